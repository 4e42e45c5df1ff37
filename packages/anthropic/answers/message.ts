/**
 * The answer of POST /v1/messages: the events of a stream, or one message, which is what a client puts together out of
 * those events.
 */
import type { Frame } from "@localmodel/inference/dialect.ts";
import type { FinishReason, GenerateEvent } from "@localmodel/inference/generate.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { type BlockDelta, type BlockFrame, ContentBlocks, named } from "./content-blocks.ts";
import { messageUsage } from "./usage.ts";

type Finish = Extract<GenerateEvent, { type: "finish" }>;
type Ended = { readonly stop_reason: string; readonly stop_sequence: string | null };

const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
};

function endedBy({ reason, stop, contextIsFull }: Omit<Finish, "type" | "choice">): Ended {
  if (contextIsFull === true) {
    return { stop_reason: "model_context_window_exceeded", stop_sequence: null };
  }
  if (reason === "stop" && stop !== undefined) {
    return { stop_reason: "stop_sequence", stop_sequence: stop };
  }
  return { stop_reason: STOP_REASONS[reason], stop_sequence: null };
}

function beginning({ id, model }: AnswerHead) {
  return { id, type: "message", role: "assistant", model } as const;
}

export function messageFrames(head: AnswerHead): (event: GenerateEvent) => readonly Frame[] {
  const blocks = new ContentBlocks();
  let promptTokens = 0;
  let ended: Ended = endedBy({ reason: "stop" });
  return (event) => {
    switch (event.type) {
      case "accepted":
        promptTokens = event.promptTokens;
        return [];
      case "started": {
        const { cachedTokens } = event;
        const usage = messageUsage({ promptTokens, cachedTokens, completionTokens: 0 });
        const open = { content: [], stop_reason: null, stop_sequence: null, usage };
        return [named({ type: "message_start", message: { ...beginning(head), ...open } })];
      }
      case "delta":
      case "tool_call":
      case "tool_arguments":
        return blocks.push(event).map(named);
      case "finish":
        ended = endedBy(event);
        return blocks.end().map(named);
      case "done":
        return [named({ type: "message_delta", delta: ended, usage: messageUsage(event.usage) })];
      // Nothing is echoed, and what else the engine tells is no business of a client.
      default:
        return [];
    }
  };
}

export function message(head: AnswerHead, events: readonly GenerateEvent[]): object {
  const blocks = new ContentBlocks();
  const frames: BlockFrame[] = [];
  let ended: Ended = endedBy({ reason: "stop" });
  let usage = messageUsage({ promptTokens: 0, cachedTokens: 0, completionTokens: 0 });
  for (const event of events) {
    if (event.type === "delta" || event.type === "tool_call" || event.type === "tool_arguments") {
      frames.push(...blocks.push(event));
    } else if (event.type === "finish") {
      frames.push(...blocks.end());
      ended = endedBy(event);
    } else if (event.type === "done") usage = messageUsage(event.usage);
  }
  return { ...beginning(head), content: contentOf(frames), ...ended, usage };
}

/** What a client makes of the events of blocks. */
function contentOf(frames: readonly BlockFrame[]): readonly object[] {
  const begun = frames.filter((frame) => frame.type === "content_block_start");
  const told = frames.filter((frame) => frame.type === "content_block_delta");
  return begun.map(({ index, content_block: block }) => {
    const deltas = told.filter((frame) => frame.index === index).map(({ delta }) => delta);
    const text = deltas.map(textOf).join("");
    if (block.type === "tool_use") return { ...block, input: inputOf(text) };
    return block.type === "text" ? { ...block, text } : { ...block, thinking: text };
  });
}

function textOf(delta: BlockDelta): string {
  switch (delta.type) {
    case "text_delta":
      return delta.text;
    case "thinking_delta":
      return delta.thinking;
    case "input_json_delta":
      return delta.partial_json;
    case "signature_delta":
      return "";
  }
}

/** An answer that reached its last token may end inside a call, which then has no input. */
function inputOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}
