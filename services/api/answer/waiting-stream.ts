/**
 * Keeps a client that asked for a stream waiting: a comment whenever nothing was sent for a while.
 *
 * The first one opens the stream, and from then on a failure is an error event and no status any more. So
 * it comes late, and whoever would rather have the status says `X-LocalModel-Wait: silent`. Who wants to see how far a
 * model is that loads says `X-LocalModel-Wait: progress`, and gets a comment every second. Who says `no` does not wait: he
 * is told when to come again, and what he asked for is woken all the same.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { openEventStream } from "@localmodel/service/http/event-stream.ts";
import { dialectOf } from "@localmodel/service/http/exchange.ts";
import type { Request, Response } from "express";

const PROGRESS_MS = 1000;

export class WaitingStream implements Disposable {
  readonly #timer: NodeJS.Timeout;

  /** `reason` is what it waits for, asked anew for each comment. */
  constructor(res: Response, intervalMs: number, reason: () => string) {
    const { stream } = dialectOf(res);
    this.#timer = setInterval(() => {
      if (res.destroyed) return;
      if (!res.headersSent) openEventStream(res, stream);
      res.write(stream.comment(reason()));
    }, intervalMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Whether the client would rather be refused than wait. */
export function waits(req: Request): boolean {
  return wishOf(req) !== "no";
}

function wishOf(req: Request): string | undefined {
  return req.get("x-localmodel-wait")?.trim().toLowerCase();
}

/** Undefined where the client wants to hear nothing. */
export function waitingIntervalMs(req: Request, usualMs: number): number | undefined {
  const wish = wishOf(req);
  if (wish === "silent") return undefined;
  return wish === "progress" ? Math.min(PROGRESS_MS, usualMs) : usualMs;
}

/** What a request for this model waits for. */
export function waitingFor(model: DirectoryModel): string {
  if (model.endpoints.length > 0) return "waiting for a free slot";
  const { state, message, progress } = model;
  const percent = progress === undefined ? "" : ` ${Math.floor(progress * 100)} %`;
  return `the model is ${state}${percent}: ${message.replace(/\s+/g, " ")}`;
}
