/**
 * The streamed form of an answer: one chunk for each event that a client may see, with the usage in the last one or, with
 * `stream_options.continuous_usage_stats`, in all of them, for load generators that would otherwise count chunks and take
 * them for tokens.
 */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import type { AnswerHead, Understood } from "@localmodel/inference/wire.ts";
import { completionUsage } from "./answer.ts";

type Streaming = {
  readonly stream?: boolean;
  readonly stream_options?: {
    readonly include_usage?: boolean;
    readonly continuous_usage_stats?: boolean;
  };
};

type ToChunk = (event: GenerateEvent) => object | undefined;

/** Nothing for a request whose answer is to come in one piece. */
export function streaming(
  { stream, stream_options: options = {} }: Streaming,
  ask: GenerateAsk,
  chunksOf: (head: AnswerHead, includesUsage: boolean) => ToChunk,
): Pick<Understood<"generate">, "stream"> {
  if (stream !== true) return {};
  const { include_usage: includesUsage = false, continuous_usage_stats: always = false } = options;
  return {
    stream: (head) => {
      const plain = chunksOf(head, includesUsage);
      const toChunk = includesUsage && always ? withRunningUsage(plain, ask) : plain;
      return (event) => {
        const data = toChunk(event);
        return data === undefined ? [] : [{ data }];
      };
    },
  };
}

/** Chunks of `toChunk` with the usage so far; the last one has the exact usage already. */
function withRunningUsage(
  toChunk: ToChunk,
  { choicesPerPrompt }: Pick<GenerateAsk, "choicesPerPrompt">,
): ToChunk {
  const completionTokens = new Map<number, number>();
  let promptTokens = 0;
  let cachedTokens = 0;
  let audioTokens = 0;

  const count = (event: GenerateEvent): void => {
    if (event.type === "accepted") ({ promptTokens, audioTokens = 0 } = event);
    // A prompt counts once, however many choices it has, and so does its cached part.
    if (event.type === "started" && event.choice % choicesPerPrompt === 0) {
      cachedTokens += event.cachedTokens;
    }
    if (event.type === "delta" && event.completionTokens !== undefined) {
      completionTokens.set(event.choice, event.completionTokens);
    }
  };
  return (event) => {
    count(event);
    const chunk = toChunk(event);
    if (chunk === undefined || event.type === "done") return chunk;
    const generated = [...completionTokens.values()].reduce((sum, one) => sum + one, 0);
    const counts = { promptTokens, completionTokens: generated, cachedTokens, audioTokens };
    return { ...chunk, usage: completionUsage(counts) };
  };
}
