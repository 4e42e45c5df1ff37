/** A whole generation: the engine's events gathered by choice. */
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import type { FinishReason, GenerateEvent, TokenLogprob } from "@localmodel/inference/generate.ts";
import type { Usage } from "@localmodel/inference/events.ts";

export type Outcome = { readonly choices: readonly Choice[]; readonly usage: Usage };

export type Choice = {
  text: string;
  reason: FinishReason;
  /** Of the prompt that was echoed. */
  readonly echoed: TokenLogprob[];
  /** Of the tokens that were generated. */
  readonly generated: TokenLogprob[];
};

export async function gather(events: AsyncIterable<GenerateEvent>): Promise<Outcome> {
  const choices: Choice[] = [];
  for await (const event of events) {
    if (event.type === "accepted" || event.type === "prefilled") continue;
    if (event.type === "done") return { choices, usage: event.usage };
    const choice = (choices[event.choice] ??= newChoice());
    if (event.type === "finish") choice.reason = event.reason;
    if (event.type === "echo" || event.type === "delta") {
      choice.text += event.text;
      const logprobs = event.type === "echo" ? choice.echoed : choice.generated;
      for (const one of event.logprobs ?? []) logprobs.push(one);
    }
  }
  throw endedEarly();
}

function newChoice(): Choice {
  return { text: "", reason: "stop", echoed: [], generated: [] };
}

/** An answer without its end must not pass for a complete one. */
export function endedEarly() {
  return engineFailed("The engine ended before the answer was complete.");
}
