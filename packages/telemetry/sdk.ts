/**
 * OpenTelemetry's SDK, set up by its environment variables: exporters, sampler, limits, batches, propagators.
 *
 * Spans wait in the queue of the batch processor, which is bounded: while a collector is away or slow they are
 * dropped, and no request waits for it.
 */
import { diag, DiagLogLevel, type DiagLogger, trace } from "@opentelemetry/api";
import {
  envDetector,
  hostDetector,
  type ResourceDetector,
  serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { setImmediate } from "node:timers/promises";
import { OtelTracer } from "./otel-span.ts";
import { metricReaders } from "./metric-reader.ts";
import type { MetricRegistry } from "./metrics.ts";
import { ownName, type Signals } from "./settings.ts";
import type { Telemetry, TelemetryOptions } from "./start.ts";

const STOP_TIMEOUT_MS = 2000;
const COMPLAINT_INTERVAL_MS = 60_000;

/** Nothing of the process but its name: command lines are nobody's business. */
const DETECTORS: ResourceDetector[] = [serviceInstanceIdDetector, hostDetector, envDetector];

export type SdkOptions = Pick<TelemetryOptions, "complain"> & {
  readonly signals: Signals;
  readonly metrics: MetricRegistry | undefined;
};

export function startSdk(
  service: string,
  { signals, complain, metrics }: SdkOptions,
): Pick<Telemetry, "tracer" | "stop"> {
  const { env } = process;
  const serviceName = ownName(service, env);
  const sdk = new NodeSDK({
    ...(serviceName !== undefined && { serviceName }),
    ...(env["OTEL_NODE_RESOURCE_DETECTORS"] === undefined && { resourceDetectors: DETECTORS }),
    ...(!signals.traces && { spanProcessors: [] }),
    metricReaders: signals.metrics && metrics !== undefined ? metricReaders(metrics, env) : [],
    logRecordProcessors: [],
  });
  // Before the start, which would set one of its own that writes to the console.
  diag.setLogger(complainingLogger(complain), { logLevel: DiagLogLevel.WARN });
  sdk.start();
  return {
    tracer: signals.traces ? new OtelTracer(trace.getTracer("localmodel")) : undefined,
    stop: async () => {
      // Spans of requests that have just ended.
      await setImmediate();
      await inTime(sdk.shutdown());
    },
  };
}

async function inTime(stopping: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, STOP_TIMEOUT_MS);
  // What could not be sent is lost: the exporters have said so.
  await Promise.race([stopping.catch(() => undefined), promise]);
  clearTimeout(timer);
}

function complainingLogger(complain: SdkOptions["complain"]): DiagLogger {
  let saidMs = -Infinity;
  const say = (message: string, ...details: unknown[]): void => {
    if (performance.now() - saidMs < COMPLAINT_INTERVAL_MS) return;
    saidMs = performance.now();
    complain([message, ...details.map(String)].join(" ").slice(0, 500));
  };
  return { error: say, warn: say, info: silent, debug: silent, verbose: silent };
}

function silent(): void {}
