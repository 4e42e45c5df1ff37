/**
 * OpenTelemetry's SDK, set up by its environment variables: exporters, sampler, limits, batches, propagators.
 *
 * Spans wait in the queue of the batch processor, which is bounded: while a collector is away or slow they are
 * dropped, and no request waits for it.
 */
import { trace } from "@opentelemetry/api";
import {
  envDetector,
  type ResourceDetector,
  serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { hostname } from "node:os";
import { setImmediate } from "node:timers/promises";
import { listenToSdk } from "./complaints.ts";
import { OtelTracer } from "./otel-span.ts";
import { metricReaders } from "./metric-reader.ts";
import type { MetricRegistry } from "./metrics.ts";
import { ownName, type Signals } from "./settings.ts";
import type { Telemetry, TelemetryOptions } from "./start.ts";

const STOP_TIMEOUT_MS = 2000;

/** The SDK's own looks for the machine's id as well, which containers have none of. */
const HOST_NAME: ResourceDetector = { detect: () => ({ attributes: { "host.name": hostname() } }) };

/** Nothing of the process but its name: command lines are nobody's business. */
const DETECTORS: ResourceDetector[] = [serviceInstanceIdDetector, HOST_NAME, envDetector];

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
  listenToSdk(complain);
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
