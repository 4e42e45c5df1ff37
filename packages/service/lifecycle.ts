/**
 * How a process ends: the first request to stop runs the handler, the second ends at once.
 *
 * A process that was started by a parent (it has an IPC channel) leaves Ctrl-C to the parent: a terminal
 * sends SIGINT to every process in front of it, and the parent decides what stops in which order, by
 * SIGTERM. And it never outlives its parent: the end of the channel is a request to stop like any other.
 */

export type ShutdownReason = "SIGTERM" | "SIGINT" | "SIGHUP" | "disconnect";

export type ShutdownHandler = (reason: ShutdownReason) => Promise<void> | void;

const EXIT_CODES: Readonly<Record<ShutdownReason, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
  disconnect: 1,
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
  process.on("SIGTERM", stop);
  process.on("SIGINT", hasParent ? ignore : stop);
  process.on("SIGHUP", hasParent ? ignore : stop);
  if (hasParent) process.on("disconnect", () => stop("disconnect"));
  // The parent may have gone while this process was still loading its modules.
  if (hasParent && !process.connected) stop("disconnect");
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
