/**
 * `stream_options.continuous_usage_stats`: usage so far in every chunk, for load generators that would
 * otherwise count chunks and take them for tokens.
 */
import { completionUsage } from "@localmodel/openai/answer.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { StreamOptions } from "./stream-events.ts";

type ToChunk = StreamOptions["toChunk"];

/** Chunks of `toChunk` with the usage so far; the last one has the exact usage already. */
export function withRunningUsage(
  toChunk: ToChunk,
  { choicesPerPrompt }: Pick<GenerateRequest, "choicesPerPrompt">,
): ToChunk {
  const completionTokens = new Map<number, number>();
  let promptTokens = 0;
  let cachedTokens = 0;

  const hear = (event: GenerateEvent): void => {
    if (event.type === "accepted") promptTokens = event.promptTokens;
    // A prompt counts once, however many choices it has, and so does its cached part.
    if (event.type === "started" && event.choice % choicesPerPrompt === 0) {
      cachedTokens += event.cachedTokens;
    }
    if (event.type === "delta" && event.completionTokens !== undefined) {
      completionTokens.set(event.choice, event.completionTokens);
    }
  };
  return (event) => {
    hear(event);
    const chunk = toChunk(event);
    if (chunk === undefined || event.type === "done") return chunk;
    const generated = [...completionTokens.values()].reduce((sum, one) => sum + one, 0);
    const counts = { promptTokens, completionTokens: generated, cachedTokens };
    return { ...chunk, usage: completionUsage(counts) };
  };
}
