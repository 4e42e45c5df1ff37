/** Log probabilities as Ollama tells them: OpenAI's, without lists of alternatives that nobody has asked for. */
import type { TokenLogprob } from "@localmodel/inference/generate.ts";
import { chatLogprobs } from "@localmodel/openai/answers/logprobs.ts";

export function tokenLogprobs(tokens: readonly TokenLogprob[]): readonly object[] {
  return chatLogprobs(tokens).content.map(({ top_logprobs: top, ...chosen }) =>
    top.length === 0 ? chosen : { ...chosen, top_logprobs: top },
  );
}
