/** The choices of a whole generation, gathered from its events. */
import type { FinishReason, GenerateEvent, TokenLogprob } from "./generate.ts";
import type { Usage } from "./events.ts";

type Generated = { readonly choices: readonly Choice[]; readonly usage: Usage };

export type CalledTool = { readonly id: string; readonly name: string; arguments: string };

export type Choice = {
  text: string;
  /** What the model thought before it answered. */
  reasoning: string;
  readonly toolCalls: CalledTool[];
  reason: FinishReason;
  /** Of the prompt that was echoed. */
  readonly echoed: TokenLogprob[];
  /** Of the tokens that were generated. */
  readonly generated: TokenLogprob[];
};

const NOTHING: Usage = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 };

export function choicesOf(events: readonly GenerateEvent[]): Generated {
  const choices: Choice[] = [];
  let usage = NOTHING;
  for (const event of events) {
    if (event.type === "accepted" || event.type === "prefilled") continue;
    if (event.type === "done") {
      usage = event.usage;
      continue;
    }
    gather((choices[event.choice] ??= newChoice()), event);
  }
  return { choices, usage };
}

type OfChoice = Extract<GenerateEvent, { choice: number }>;

function gather(choice: Choice, event: OfChoice): void {
  switch (event.type) {
    case "finish":
      choice.reason = event.reason;
      return;
    case "tool_call":
      choice.toolCalls.push({ id: event.id, name: event.name, arguments: "" });
      return;
    case "tool_arguments": {
      const called = choice.toolCalls[event.call];
      if (called !== undefined) called.arguments += event.text;
      return;
    }
    case "echo":
    case "delta":
      write(choice, event);
      return;
    case "started":
    case "prefilled":
  }
}

function write(choice: Choice, event: Extract<OfChoice, { type: "echo" | "delta" }>): void {
  if (event.type === "delta" && event.isReasoning === true) {
    choice.reasoning += event.text;
    return;
  }
  choice.text += event.text;
  const logprobs = event.type === "echo" ? choice.echoed : choice.generated;
  for (const one of event.logprobs ?? []) logprobs.push(one);
}

function newChoice(): Choice {
  return { text: "", reasoning: "", toolCalls: [], reason: "stop", echoed: [], generated: [] };
}
