/**
 * Keeps a client that asked for a stream waiting: a comment whenever nothing was sent for a while.
 *
 * The first one opens the stream, and from then on a failure is an error event and no status any more. So
 * it comes late, and whoever would rather have the status says `X-LocalModel-Wait: silent`. Who wants to see how far a
 * model is that loads says `X-LocalModel-Wait: progress`, and gets a comment every second. Who says `no` does not wait: he
 * is told when to come again, and what he asked for is woken all the same. Who says `reasoning` gets it, once for each change,
 * where clients show what a model thinks, if the endpoint has such a place.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { openEventStream } from "@localmodel/service/http/event-stream.ts";
import { dialectOf, exchangeOf } from "@localmodel/service/http/exchange.ts";
import type { Request, Response } from "express";

const PROGRESS_MS = 1000;

export class WaitingStream implements Disposable {
  readonly #timer: NodeJS.Timeout;

  /** `reason` is what it waits for, asked anew for each comment. `model`: for which it is shown as reasoning. */
  constructor(
    res: Response,
    { intervalMs, model }: { readonly intervalMs: number; readonly model: string | undefined },
    reason: () => string,
  ) {
    const { stream } = dialectOf(res);
    const frameOf = model === undefined ? undefined : exchangeOf(res).endpoint?.waitingFrame;
    let shown = "";
    this.#timer = setInterval(() => {
      if (res.destroyed) return;
      if (!res.headersSent) openEventStream(res, stream);
      const text = reason();
      if (frameOf === undefined || text === shown) return void res.write(stream.comment(text));
      shown = text;
      res.write(stream.frame(frameOf(model ?? "", text)));
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

export function showsAsReasoning(req: Request): boolean {
  return wishOf(req) === "reasoning";
}

function wishOf(req: Request): string | undefined {
  return req.get("x-localmodel-wait")?.trim().toLowerCase();
}

/** Undefined where the client wants to hear nothing. */
export function waitingIntervalMs(req: Request, usualMs: number): number | undefined {
  const wish = wishOf(req);
  if (wish === "silent") return undefined;
  return wish === "progress" || wish === "reasoning" ? Math.min(PROGRESS_MS, usualMs) : usualMs;
}

/** What a request for this model waits for. */
export function waitingFor(model: DirectoryModel): string {
  if (model.endpoints.length > 0) return "waiting for a free slot";
  const { state, message, progress } = model;
  const percent = progress === undefined ? "" : ` ${Math.floor(progress * 100)} %`;
  return `the model is ${state}${percent}: ${message.replace(/\s+/g, " ")}`;
}
