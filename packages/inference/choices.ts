/** The choices of a whole generation, gathered from its events. */
import type { FinishReason, GenerateEvent, TokenLogprob } from "./generate.ts";
import type { Usage } from "./events.ts";

type Generated = { readonly choices: readonly Choice[]; readonly usage: Usage };

export type Choice = {
  text: string;
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
    const choice = (choices[event.choice] ??= newChoice());
    if (event.type === "finish") choice.reason = event.reason;
    if (event.type === "echo" || event.type === "delta") {
      choice.text += event.text;
      const logprobs = event.type === "echo" ? choice.echoed : choice.generated;
      for (const one of event.logprobs ?? []) logprobs.push(one);
    }
  }
  return { choices, usage };
}

function newChoice(): Choice {
  return { text: "", reason: "stop", echoed: [], generated: [] };
}
