/**
 * OpenTelemetry's conventions for generative AI, of which there are two: the names that dashboards know, and those
 * that OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental asks for.
 *
 * What was asked and answered is recorded only when both the person who runs the collector
 * (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT) and the LocalModel (promptLogging) say so.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Labels } from "@localmodel/telemetry/metrics/metrics.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";

const PROVIDER = "localmodel";
const OPT_IN = "gen_ai_latest_experimental";
const CAPTURING = new Set(["true", "span_only", "span_and_event"]);

export type GenAiConventions = {
  readonly capturesContent: boolean;
  /** What every span and every measurement says of a request. */
  attributesOf(asked: AskedModel): Labels;
};

type AskedModel = {
  readonly endpoint: Pick<Endpoint, "telemetryName">;
  readonly requestModel: string;
  readonly head: Pick<AnswerHead, "model">;
};

export function genAiConventions(
  environment: Readonly<Record<string, string | undefined>>,
  { promptLogging }: Pick<ServerConfig, "promptLogging">,
): GenAiConventions {
  const optedIn = (environment["OTEL_SEMCONV_STABILITY_OPT_IN"] ?? "")
    .split(",")
    .some((one) => one.trim() === OPT_IN);
  const provider = {
    "gen_ai.provider.name": PROVIDER,
    // Its name until version 1.36.
    ...(!optedIn && { "gen_ai.system": PROVIDER }),
  };
  const wanted = environment["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] ?? "";
  const captures = CAPTURING.has(wanted.trim().toLowerCase());
  return {
    capturesContent: captures && promptLogging,
    attributesOf: ({ endpoint, requestModel, head }) => ({
      "gen_ai.operation.name": endpoint.telemetryName,
      ...provider,
      "gen_ai.request.model": requestModel,
      "gen_ai.response.model": head.model,
    }),
  };
}
