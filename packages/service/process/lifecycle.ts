/**
 * How a process ends: the first request to stop runs the handler, the second ends at once.
 *
 * A process that a supervisor of ours started leaves Ctrl-C to it: a terminal sends SIGINT to every process in front
 * of it, and the supervisor decides what stops in which order, by SIGTERM. Others that start processes with an IPC
 * channel, such as pm2, mean their SIGINT. Nobody outlives such a parent: the end of the channel is a request to stop
 * like any other, and so is that of npm (launcher.ts).
 */
import { onLauncherGone } from "./launcher.ts";

/** Set for the processes of a supervisor. */
export const SUPERVISED_VARIABLE = "LOCALMODEL_SUPERVISED";

type ShutdownReason = "SIGTERM" | "SIGINT" | "SIGHUP" | "disconnect" | "orphaned";

type ShutdownHandler = (reason: ShutdownReason) => Promise<void> | void;

const EXIT_CODES: Readonly<Record<ShutdownReason, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
  disconnect: 1,
  orphaned: 1,
};

/**
 * Under npm one Ctrl-C arrives twice, from the terminal and forwarded by npm. A person needs longer than
 * this to press again.
 */
const SAME_KEY_PRESS_MS = 250;

/** Exits when the handler is done: 0, or 1 if it failed. `atOnce` runs before an immediate end. */
export function onShutdown(handler: ShutdownHandler, atOnce?: () => void): void {
  let first: { reason: ShutdownReason; timeMs: number } | undefined;

  const stop = (reason: ShutdownReason): void => {
    const nowMs = performance.now();
    if (first === undefined) {
      first = { reason, timeMs: nowMs };
      void finish(handler, reason);
    } else if (reason !== first.reason || nowMs - first.timeMs > SAME_KEY_PRESS_MS) {
      atOnce?.();
      process.exit(EXIT_CODES[reason]);
    }
  };

  // False, not undefined, once a channel has ended.
  const hasParent = process.connected !== undefined;
  const isSupervised = hasParent && process.env[SUPERVISED_VARIABLE] !== undefined;
  process.on("SIGTERM", stop);
  process.on("SIGINT", isSupervised ? ignore : stop);
  process.on("SIGHUP", isSupervised ? ignore : stop);
  if (hasParent) process.on("disconnect", () => stop("disconnect"));
  // The parent may have gone while this process was still loading its modules.
  if (hasParent && !process.connected) stop("disconnect");
  // The signal that ended npm may have arrived here, too: that is one request, not two.
  if (!isSupervised) onLauncherGone(() => first ?? stop("orphaned"));
}

async function finish(handler: ShutdownHandler, reason: ShutdownReason): Promise<void> {
  try {
    await handler(reason);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`the shutdown failed: ${String(error)}\n`);
    process.exit(1);
  }
}

function ignore(): void {}
