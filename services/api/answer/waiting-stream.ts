/**
 * Keeps a client that asked for a stream waiting: a comment whenever nothing was sent for a while.
 *
 * The first one opens the stream, and from then on a failure is an error event and no status any more. So
 * it comes late, and whoever would rather have the status says `X-LocalModel-Wait: silent`.
 */
import { openEventStream } from "@localmodel/service/http/event-stream.ts";
import { dialectOf } from "@localmodel/service/http/exchange.ts";
import type { Request, Response } from "express";

export class WaitingStream implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(res: Response, intervalMs: number) {
    const { stream } = dialectOf(res);
    this.#timer = setInterval(() => {
      if (res.destroyed) return;
      if (!res.headersSent) openEventStream(res, stream);
      res.write(stream.comment("waiting for a free slot"));
    }, intervalMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

export function waitsInSilence(req: Request): boolean {
  return req.get("x-localmodel-wait")?.trim().toLowerCase() === "silent";
}
