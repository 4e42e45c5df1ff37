/**
 * What goes wrong inside the SDK, for the log: that nothing can be sent, in words; and all else it warns of. Each of
 * the two at most once a minute, so that neither hides the other.
 */
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { setGlobalErrorHandler } from "@opentelemetry/core";

const INTERVAL_MS = 60_000;
const MESSAGE_MAX_CHARACTERS = 500;

type Complain = (message: string) => void;

/** To be called before the SDK starts, which would write to the console otherwise. */
export function listenToSdk(complain: Complain): void {
  const warn = seldom(complain);
  const say = (message: string, ...details: readonly unknown[]): void =>
    warn(["telemetry:", message, ...details.map(String)].join(" "));
  const logger = { error: say, warn: say, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN });
  const fail = seldom(complain);
  setGlobalErrorHandler((error) => fail(`telemetry cannot be sent: ${reasonOf(error)}`));
}

/** At most once a minute. */
export function seldom(complain: Complain): Complain {
  let saidMs = -Infinity;
  return (message) => {
    if (performance.now() - saidMs < INTERVAL_MS) return;
    saidMs = performance.now();
    complain(message.slice(0, MESSAGE_MAX_CHARACTERS));
  };
}

/** `exception` is an Error, or a text. */
function reasonOf(exception: unknown): string {
  return exception instanceof Error ? exception.message : String(exception);
}

function silent(): void {}
