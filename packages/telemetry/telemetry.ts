/** What a service has of telemetry once it is started, and what it says to start it. */
import type { MetricRegistry } from "./metrics/metrics.ts";
import type { Tracer } from "./spans/span.ts";

export type Telemetry = {
  /** Undefined when nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Undefined when nobody reads metrics. */
  readonly metrics: MetricRegistry | undefined;
  /** Sends what has not been sent yet, as far as that is possible in a moment. */
  stop(): Promise<void>;
};

export type TelemetryOptions = {
  /** Told of what goes wrong at the exporters, at most once a minute. */
  readonly complain: (message: string) => void;
  /** Where metrics are kept that are read from a port of this process. */
  readonly metrics?: MetricRegistry | undefined;
};
