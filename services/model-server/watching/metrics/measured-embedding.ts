/** Measures one request for embeddings: how long it took, and its tokens. */
import { codeOf } from "@localmodel/inference/failure.ts";
import { CLIENT_CLOSED } from "@localmodel/service/server-span.ts";
import type { EmbedResult } from "../../engine/contract.ts";
import type { Measured, ServerMetrics } from "./server-metrics.ts";

export async function embedMeasured(
  metrics: ServerMetrics | undefined,
  measured: Measured,
  { embed, signal }: { embed: () => Promise<EmbedResult>; signal: AbortSignal },
): Promise<EmbedResult> {
  if (metrics === undefined) return embed();
  const startMs = performance.now();
  const seconds = (): number => (performance.now() - startMs) / 1000;
  try {
    const result = await embed();
    metrics.ended(seconds(), measured);
    const { promptTokens } = result;
    metrics.used({ promptTokens, completionTokens: 0, cachedTokens: 0 }, measured);
    return result;
  } catch (error) {
    metrics.ended(seconds(), measured, signal.aborted ? CLIENT_CLOSED : codeOf(error));
    throw error;
  }
}
