/**
 * Turns telemetry on, if the environment asks for it.
 *
 * The SDK is loaded here and nowhere else, and only when it is needed: off, it costs neither time nor memory.
 */
import { signalsOf } from "./settings.ts";
import type { Tracer } from "./span.ts";

export type Telemetry = {
  /** Undefined when nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Sends what has not been sent yet, as far as that is possible in a moment. */
  stop(): Promise<void>;
};

/** Told of what goes wrong at the exporters, at most once a minute. */
export type Complain = (message: string) => void;

export async function startTelemetry(service: string, complain: Complain): Promise<Telemetry> {
  const signals = signalsOf(process.env);
  if (!signals.traces && !signals.metrics) return OFF;
  const { startSdk } = await import("./sdk.ts");
  return startSdk(service, { signals, complain });
}

const OFF: Telemetry = { tracer: undefined, stop: () => Promise.resolve() };
