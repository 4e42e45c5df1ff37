/**
 * OpenTelemetry's conventions for generative AI, of which there are two: the names that dashboards know, and those
 * that OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental asks for.
 *
 * What was asked and answered is recorded only when both the person who runs the collector
 * (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT) and the LocalModel (promptLogging) say so.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Attributes } from "@localmodel/telemetry/span.ts";

const PROVIDER = "localmodel";
const OPT_IN = "gen_ai_latest_experimental";
const CAPTURING = new Set(["true", "span_only", "span_and_event"]);

export type GenAiNames = {
  readonly modelId: string;
  readonly provider: Attributes;
  readonly capturesContent: boolean;
};

export type GenAiConventions = {
  forModel(config: Pick<ServerConfig, "modelId" | "promptLogging">): GenAiNames;
};

export function genAiConventions(
  environment: Readonly<Record<string, string | undefined>>,
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
    forModel: ({ modelId, promptLogging }) => ({
      modelId,
      provider,
      capturesContent: captures && promptLogging,
    }),
  };
}
