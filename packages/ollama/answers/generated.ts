/**
 * Answers of generations in Ollama's form: one object, or lines of which each has the next piece. A call of a tool comes
 * whole.
 */
import type { Frame } from "@localmodel/inference/dialect.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import type { FinishReason, GenerateEvent } from "@localmodel/inference/generate.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { durationsOf, isTimed } from "./durations.ts";
import { tokenLogprobs } from "./token-logprobs.ts";

/** The next piece of an answer. */
type Piece = {
  readonly text?: string;
  readonly thinking?: string;
  readonly calls?: readonly object[];
  readonly logprobs?: readonly object[];
};

/** How an endpoint says a piece: as a message, or as a text. */
export type Said = (piece: Omit<Piece, "logprobs">) => object;

type CallBegun = {
  readonly id: string;
  readonly index: number;
  readonly name: string;
  arguments: string;
};

const DONE_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  length: "length",
  tool_calls: "stop",
};

/** Pieces out of the events of one answer: a call is one when the next begins or nothing follows. */
function piecesOf(): (event: GenerateEvent) => readonly Piece[] {
  let open: CallBegun | undefined;
  const closed = (): readonly Piece[] => {
    if (open === undefined) return [];
    const { id, index, name, arguments: json } = open;
    open = undefined;
    return [{ calls: [{ id, function: { index, name, arguments: parsed(json) } }] }];
  };
  return (event) => {
    switch (event.type) {
      case "delta": {
        const { text, isReasoning, logprobs } = event;
        if (text === "" && logprobs === undefined) return [];
        const told = logprobs !== undefined && { logprobs: tokenLogprobs(logprobs) };
        return [{ ...(isReasoning === true ? { thinking: text } : { text }), ...told }];
      }
      case "tool_call": {
        const before = closed();
        open = { id: event.id, index: event.call, name: event.name, arguments: "" };
        return before;
      }
      case "tool_arguments":
        if (open !== undefined) open.arguments += event.text;
        return [];
      case "finish":
        return closed();
      default:
        return [];
    }
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // It was cut off where the answer reached its last token.
    return {};
  }
}

export function lines(
  said: Said,
): (head: AnswerHead) => (event: GenerateEvent) => readonly Frame[] {
  return (head) => {
    const pieces = piecesOf();
    const times: GenerateEvent[] = [];
    let reason: FinishReason = "stop";
    return (event) => {
      if (isTimed(event)) times.push(event);
      if (event.type === "finish") ({ reason } = event);
      if (event.type === "done") {
        const end = ending({ reason, usage: event.usage, times });
        return [{ data: { ...beginning(head), ...said({ text: "" }), ...end } }];
      }
      return pieces(event).map(({ logprobs, ...piece }) => ({
        data: {
          ...beginning(head),
          ...said({ text: "", ...piece }),
          done: false,
          ...(logprobs !== undefined && { logprobs }),
        },
      }));
    };
  };
}

export function whole(said: Said): (head: AnswerHead, events: readonly GenerateEvent[]) => object {
  return (head, events) => {
    const pieces = events.flatMap(piecesOf());
    const text = pieces.map((piece) => piece.text ?? "").join("");
    const thinking = pieces.map((piece) => piece.thinking ?? "").join("");
    const calls = pieces.flatMap((piece) => piece.calls ?? []);
    const logprobs = pieces.flatMap((piece) => piece.logprobs ?? []);
    const finish = events.find((event) => event.type === "finish");
    const usage = events.find((event) => event.type === "done")?.usage;
    return {
      ...beginning(head),
      ...said({
        text,
        ...(thinking !== "" && { thinking }),
        ...(calls.length > 0 && { calls }),
      }),
      ...ending({ reason: finish?.reason ?? "stop", usage, times: events }),
      ...(logprobs.length > 0 && { logprobs }),
    };
  };
}

/** Of a request that asks for nothing but to have the model. */
export function loaded(head: Beginning, said: Said): object {
  return { ...beginning(head), ...said({ text: "" }), done: true, done_reason: "load" };
}

/** Of one that asks for nothing but to be rid of it. */
export function unloaded(head: Beginning, said: Said): object {
  return { ...beginning(head), ...said({ text: "" }), done: true, done_reason: "unload" };
}

export const asMessage: Said = ({ text = "", thinking, calls }) => ({
  message: {
    role: "assistant",
    content: text,
    ...(thinking !== undefined && { thinking }),
    ...(calls !== undefined && { tool_calls: calls }),
  },
});

export const asResponse: Said = ({ text = "", thinking }) => ({
  response: text,
  ...(thinking !== undefined && { thinking }),
});

type Beginning = Pick<AnswerHead, "model" | "created">;

function beginning({ model, created }: Beginning) {
  return { model, created_at: new Date(created * 1000).toISOString() };
}

type Ending = {
  readonly reason: FinishReason;
  readonly usage: Usage | undefined;
  readonly times: readonly GenerateEvent[];
};

function ending({ reason, usage, times }: Ending) {
  return {
    done: true,
    done_reason: DONE_REASONS[reason],
    ...durationsOf(times),
    ...(usage !== undefined && {
      prompt_eval_count: usage.promptTokens,
      eval_count: usage.completionTokens,
    }),
  };
}
