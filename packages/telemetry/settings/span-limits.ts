/**
 * How much a span may hold and how many spans may wait, by OpenTelemetry's environment variables.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 *
 * Unless told otherwise, more spans wait than the specification has it: they are small here, and one process ends
 * tens of thousands in a second.
 */

export type SpanLimits = {
  readonly attributes: number;
  /** Of each text. */
  readonly valueCharacters: number;
  readonly events: number;
};

export type BatchLimits = {
  /** That have ended and are not sent yet. */
  readonly waitingSpans: number;
  /** In one request to a collector. */
  readonly batchSpans: number;
  /** After which a batch goes that is not full. */
  readonly delayMs: number;
};

const COUNT = 128;

export function spanLimits(environment: NodeJS.ProcessEnv): SpanLimits {
  const limit = reader(environment, 0);
  return {
    attributes: limit(COUNT, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
    valueCharacters: limit(
      Infinity,
      "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
      "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ),
    events: limit(COUNT, "OTEL_SPAN_EVENT_COUNT_LIMIT"),
  };
}

export function batchLimits(environment: NodeJS.ProcessEnv): BatchLimits {
  const limit = reader(environment, 1);
  const waitingSpans = limit(16_384, "OTEL_BSP_MAX_QUEUE_SIZE");
  const batchSpans = limit(2048, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
  return {
    waitingSpans,
    batchSpans: Math.min(batchSpans, waitingSpans),
    delayMs: limit(5000, "OTEL_BSP_SCHEDULE_DELAY"),
  };
}

/** The first of the variables that holds a number which is large enough. */
function reader(environment: NodeJS.ProcessEnv, least: number) {
  return (otherwise: number, ...names: readonly string[]): number => {
    const texts = names.map((name) => environment[name]?.trim() ?? "");
    return (
      texts
        .filter((text) => text !== "")
        .map(Number)
        .find((limit) => limit >= least) ?? otherwise
    );
  };
}
