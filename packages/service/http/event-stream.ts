/**
 * A response that is a stream of events: its head, which tells proxies to hold nothing back, and the comments that keep
 * it open while there is nothing to say.
 */
import type { Response } from "express";

const SERVER_SENT_EVENTS = "text/event-stream; charset=utf-8";

type EventStreamHead = {
  readonly contentType?: string;
  /** Default: may be kept, but must be asked for anew. */
  readonly cacheControl?: "no-cache" | "no-store";
  /** Header of a trailer that follows the last event. */
  readonly trailer?: string;
};

export function openEventStream(
  res: Response,
  { contentType = SERVER_SENT_EVENTS, cacheControl = "no-cache", trailer }: EventStreamHead = {},
): void {
  res.writeHead(200, {
    "content-type": contentType,
    "cache-control": cacheControl,
    "x-accel-buffering": "no",
    ...(trailer !== undefined && { trailer }),
  });
}

/** A stream that somebody only reads along: nobody waits for its end. `comment` is sent at once, and while it idles. */
export class SpectatorStream implements Disposable {
  readonly #keepAlive: NodeJS.Timeout;

  constructor(res: Response, { comment, intervalMs }: { comment: string; intervalMs: number }) {
    openEventStream(res, { cacheControl: "no-store" });
    res.write(comment);
    this.#keepAlive = setInterval(() => {
      if (res.writableLength === 0) res.write(comment);
    }, intervalMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#keepAlive);
  }
}
