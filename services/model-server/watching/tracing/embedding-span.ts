/** The span of embeddings, and below it when their inputs were tokenised, had their turn, and were evaluated. */
import { codeOf } from "@localmodel/inference/failure.ts";
import type { EmbedRequest } from "@localmodel/inference/embed.ts";
import { CLIENT_CLOSED } from "@localmodel/service/server-span.ts";
import { epochMs } from "@localmodel/telemetry/epoch.ts";
import type { Span } from "@localmodel/telemetry/span.ts";
import type { EmbedResult, EmbedTimes } from "../../engine/contract.ts";
import type { GenAiNames } from "./gen-ai.ts";

export type Embedding = {
  readonly embed: (times: Pick<EmbedRequest, "reportsTimes">) => Promise<EmbedResult>;
  readonly signal: AbortSignal;
};

export async function embedTraced(
  parent: Span | undefined,
  about: GenAiNames & { readonly requestModel: string },
  { embed, signal }: Embedding,
): Promise<EmbedResult> {
  if (parent?.isRecording !== true) return embed({});
  const startMs = epochMs();
  const span = parent.child(`embeddings ${about.requestModel}`, {
    startMs,
    attributes: {
      "gen_ai.operation.name": "embeddings",
      ...about.provider,
      "gen_ai.request.model": about.requestModel,
      "gen_ai.response.model": about.modelId,
    },
  });
  try {
    const result = await embed({ reportsTimes: true });
    span.set({ "gen_ai.usage.input_tokens": result.promptTokens });
    if (result.times !== undefined) phases(span, startMs, result.times);
    return result;
  } catch (error) {
    span.fail(signal.aborted ? CLIENT_CLOSED : codeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

function phases(span: Span, beganMs: number, times: EmbedTimes): void {
  const nowMs = epochMs();
  const clamped = (atMs: number) => Math.min(Math.max(atMs, beganMs), nowMs);
  const attributes = { "localmodel.engine.pid": times.processId };
  for (const [name, fromMs, toMs] of [
    ["template", times.receivedMs, times.tokenisedMs],
    ["queue", times.tokenisedMs, times.startedMs],
    ["evaluate", times.startedMs, times.endedMs],
  ] as const) {
    span.child(name, { startMs: clamped(fromMs), attributes }).end(clamped(toMs));
  }
}
