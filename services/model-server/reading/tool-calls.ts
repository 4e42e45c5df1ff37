/**
 * Reads calls of tools out of the text of an answer: deltas without what belongs to calls, and what is called.
 *
 * Every delta remains, if only to say how many tokens there were: those that time and count tokens see them all.
 */
import { randomBytes } from "node:crypto";
import type {
  GenerateEvent,
  GenerateRequest,
  TokenLogprob,
} from "@localmodel/inference/generate.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { controlTextsOf } from "@localmodel/tools/syntax/control-texts.ts";
import { callableTools } from "@localmodel/tools/constraint/tool-constraint.ts";
import { type AnswerReader, answerReader } from "@localmodel/tools/reading/answer-reader.ts";
import { recoverer } from "@localmodel/tools/reading/bare-call.ts";
import { isValidArguments } from "@localmodel/tools/reading/valid-arguments.ts";
import type { ToolEvent } from "@localmodel/tools/reading/tool-event.ts";
import { GENERIC } from "@localmodel/tools/syntax/families.ts";

type Reader = (event: GenerateEvent) => readonly GenerateEvent[];

/** Undefined where no tool may be called. */
export function toolCallsReader(
  { toolUse, reportsPieces = false }: Pick<GenerateRequest, "toolUse" | "reportsPieces">,
  { toolSyntax: syntax = GENERIC, template }: Pick<ModelFacts, "toolSyntax" | "template">,
): Reader | undefined {
  if (toolUse === undefined || toolUse.choice === "none") return undefined;
  const tools = callableTools(toolUse);
  const recover = toolUse.choice === "auto" ? recoverer(tools, isValidArguments) : undefined;
  const markers = new Set(controlTextsOf(syntax));
  const choices = new Map<number, ReadChoice>();
  const choiceOf = (index: number): ReadChoice => {
    const known = choices.get(index);
    if (known !== undefined) return known;
    const reader = answerReader({
      syntax,
      tools,
      recover,
      onlyCalls: toolUse.choice === "required",
    });
    const made = new ReadChoice(index, {
      reader,
      markers: reportsPieces ? markers : undefined,
      newId: () => (template?.needsShortCallIds === true ? randomText(9) : openAiId()),
    });
    choices.set(index, made);
    return made;
  };
  return (event) => {
    if (event.type === "delta") return choiceOf(event.choice).delta(event);
    if (event.type === "finish") return choiceOf(event.choice).finish(event);
    return [event];
  };
}

type DeltaEvent = Extract<GenerateEvent, { type: "delta" }>;
type FinishEvent = Extract<GenerateEvent, { type: "finish" }>;

type Reading = {
  readonly reader: AnswerReader;
  /** Control tokens that are part of calls. Absent: the engine tells of none. */
  readonly markers: ReadonlySet<string> | undefined;
  readonly newId: () => string;
};

class ReadChoice {
  readonly #choice: number;
  readonly #how: Reading;
  /** Of tokens whose text may still be of a call. */
  #logprobs: TokenLogprob[] = [];
  #begun = 0;
  #complete = 0;

  constructor(choice: number, how: Reading) {
    this.#choice = choice;
    this.#how = how;
  }

  delta(event: DeltaEvent): readonly GenerateEvent[] {
    const { pieces, logprobs, ...rest } = event;
    this.#logprobs.push(...(logprobs ?? []));
    const read = this.#how.reader.push(this.#textOf(event));
    return this.#told(read, { ...rest, text: "", ...(pieces !== undefined && { pieces }) });
  }

  finish(event: FinishEvent): readonly GenerateEvent[] {
    const rest = this.#how.reader.finish();
    const told =
      rest.length === 0 ? [] : this.#told(rest, { type: "delta", choice: this.#choice, text: "" });
    const calls = this.#complete > 0 && this.#complete === this.#begun;
    const reason = event.reason === "stop" && calls ? "tool_calls" : event.reason;
    return [...told, { ...event, reason }];
  }

  /** What control tokens are called counts where it is a marker. A token's text comes with its last character. */
  #textOf({ text: written, pieces = [] }: DeltaEvent): string {
    const { markers } = this.#how;
    if (markers === undefined) return written;
    return pieces
      .filter(({ isControl, text }) => !isControl || markers.has(text))
      .map(({ text }) => text)
      .join("");
  }

  #told(read: readonly ToolEvent[], delta: DeltaEvent): GenerateEvent[] {
    const events: GenerateEvent[] = [];
    let text = "";
    for (const one of read) {
      if (one.type === "text") text += one.text;
      else if (one.type === "call") events.push(this.#call(one));
      else if (one.type === "end") this.#complete += 1;
      else {
        const { index: call } = one;
        events.push({ type: "tool_arguments", choice: this.#choice, call, text: one.text });
      }
    }
    const logprobs = text === "" ? [] : this.#logprobs.splice(0);
    // Those of a call are nobody's text.
    if (this.#begun > 0) this.#logprobs = [];
    return [{ ...delta, text, ...(logprobs.length > 0 && { logprobs }) }, ...events];
  }

  #call({ index, name }: Extract<ToolEvent, { type: "call" }>): GenerateEvent {
    this.#begun += 1;
    const id = this.#how.newId();
    return { type: "tool_call", choice: this.#choice, call: index, id, name };
  }
}

function openAiId(): string {
  return `call_${randomText(24)}`;
}

function randomText(length: number): string {
  return randomBytes(length).toString("hex").slice(0, length);
}
