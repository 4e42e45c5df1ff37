/**
 * OpenTelemetry's SDK, set up by its environment variables, in two threads: metrics and propagators here, where they
 * are read and written; exporting spans in the thread of export/span-exporter.ts.
 */
import { NodeSDK } from "@opentelemetry/sdk-node";
import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { listenToSdk } from "./export/complaints.ts";
import { resourceOf } from "./export/detectors.ts";
import { injectorOf } from "./spans/inject.ts";
import { metricReaders } from "./metrics/metric-reader.ts";
import type { MetricRegistry } from "./metrics/metrics.ts";
import { RecordingTracer } from "./spans/recording-tracer.ts";
import { samplerOf } from "./spans/sampler.ts";
import { ownName, type Signals } from "./settings/environment.ts";
import { spanLimits } from "./settings/span-limits.ts";
import { keepIn, spanDestinations } from "./export/span-destinations.ts";
import type { Telemetry, TelemetryOptions } from "./telemetry.ts";

const STOP_TIMEOUT_MS = 2000;

export type SdkOptions = Pick<TelemetryOptions, "complain"> & {
  readonly signals: Signals;
  readonly metrics: MetricRegistry | undefined;
};

export function startSdk(
  service: string,
  { signals, complain, metrics }: SdkOptions,
): Pick<Telemetry, "tracer" | "stop"> {
  const { env } = process;
  const identity = { serviceName: ownName(service, env), instanceId: randomUUID() };
  const resource = resourceOf(identity, env);
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    spanProcessors: [],
    metricReaders: signals.metrics && metrics !== undefined ? metricReaders(metrics, env) : [],
    logRecordProcessors: [],
  });
  // After the SDK's own logger, which writes to the console.
  listenToSdk(complain);
  sdk.start();
  const source = { identity, resource, complain };
  const destinations = signals.traces ? spanDestinations(env, source) : undefined;
  return {
    tracer:
      destinations &&
      new RecordingTracer(samplerOf(env), {
        keep: keepIn(destinations),
        inject: injectorOf(env),
        limits: spanLimits(env),
      }),
    stop: async () => {
      // Spans of requests that have just ended.
      await setImmediate();
      const sent = destinations?.map((destination) => destination.stop(STOP_TIMEOUT_MS)) ?? [];
      await Promise.all([...sent, sdk.shutdown()].map(inTime));
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
