/** `usage`: of the prompt, what had to be read anew and what was cached are told apart. */
import type { Usage } from "@localmodel/inference/events.ts";

export function messageUsage(usage: Usage) {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage;
  return {
    input_tokens: promptTokens - cachedTokens,
    // Whatever is cached here, nobody pays for its being kept.
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
    ...(reasoningTokens !== undefined && {
      output_tokens_details: { thinking_tokens: reasoningTokens },
    }),
  };
}
