/**
 * Keeps a client that asked for a stream waiting: a comment whenever nothing was sent for a while.
 *
 * The first one opens the stream, and from then on a failure is an error event and no status any more. So
 * it comes late, and whoever would rather have the status says `X-LocalModel-Wait: silent`.
 */
import type { Request, Response } from "express";

/** One line break, see KEEP_ALIVE. */
const WAITING = ": waiting for a free slot\n";

const HEAD = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
};

export class WaitingStream implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(res: Response, intervalMs: number) {
    this.#timer = setInterval(() => {
      if (res.destroyed) return;
      if (!res.headersSent) res.writeHead(200, HEAD);
      res.write(WAITING);
    }, intervalMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

export function waitsInSilence(req: Request): boolean {
  return req.get("x-localmodel-wait")?.trim().toLowerCase() === "silent";
}
