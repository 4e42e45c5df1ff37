/**
 * Keeps a client that asked for a stream waiting: a comment whenever nothing was sent for a while.
 *
 * The first one opens the stream, and from then on a failure is an error event and no status any more. So
 * it comes late, and whoever would rather have the status says `X-LocalModel-Wait: silent`. Who wants to see how far a
 * model is that loads says `X-LocalModel-Wait: progress`, and gets a comment every second. Who says `no` does not wait: he
 * is told when to come again, and what he asked for is woken all the same. Who says `reasoning` gets it, once for each change,
 * where clients show what a model thinks, if the endpoint has such a place. Who says `events` gets events instead of comments,
 * where events have names: those by which LM Studio tells of a load, and else OpenAI's `keepalive`.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { StreamForm } from "@localmodel/inference/dialect.ts";
import { openEventStream } from "@localmodel/service/http/event-stream.ts";
import { dialectOf, exchangeOf } from "@localmodel/service/http/exchange.ts";
import type { Request, Response } from "express";
import { LoadEvents } from "./load-events.ts";

const PROGRESS_MS = 1000;

export class WaitingStream implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #res: Response;
  readonly #stream: StreamForm;
  readonly #telling: Telling;
  readonly #look: () => DirectoryModel;

  /** `look`: at the model that it waits for, as it is now. */
  constructor(
    res: Response,
    { intervalMs, telling }: { readonly intervalMs: number; readonly telling: Telling },
    look: () => DirectoryModel,
  ) {
    this.#res = res;
    this.#stream = dialectOf(res).stream;
    this.#telling = telling;
    this.#look = look;
    this.#timer = setInterval(() => this.#tell(), intervalMs);
  }

  #tell(): void {
    if (this.#res.destroyed) return;
    if (!this.#res.headersSent) openEventStream(this.#res, this.#stream);
    const model = this.#look();
    this.#res.write(this.#telling.of(model) || this.#stream.comment(waitingFor(model)));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    const last = this.#telling.last?.(this.#look()) ?? "";
    if (last !== "" && !this.#res.destroyed) this.#res.write(last);
  }
}

/** What is shown instead of a comment, which stands where it is empty. `last`: once it waits no longer. */
type Telling = {
  readonly of: (model: DirectoryModel) => string;
  readonly last?: (model: DirectoryModel) => string;
};

const COMMENTS: Telling = { of: () => "" };

export function tellingFor(req: Request, res: Response): Telling {
  const wish = wishOf(req);
  const { stream } = dialectOf(res);
  if (wish === "events" && stream.framing === undefined) return new LoadEvents();
  const frameOf = exchangeOf(res).endpoint?.waitingFrame;
  if (wish !== "reasoning" || frameOf === undefined) return COMMENTS;
  let shown = "";
  return {
    of: (model) => {
      const text = waitingFor(model);
      if (text === shown) return "";
      shown = text;
      return stream.frame(frameOf(model.id, text));
    },
  };
}

/** Whether the client would rather be refused than wait. */
export function waits(req: Request): boolean {
  return wishOf(req) !== "no";
}

function wishOf(req: Request): string | undefined {
  return req.get("x-localmodel-wait")?.trim().toLowerCase();
}

const CLOSE_WISHES: ReadonlySet<string | undefined> = new Set(["progress", "reasoning", "events"]);

/** Undefined where the client wants to hear nothing. */
export function waitingIntervalMs(req: Request, usualMs: number): number | undefined {
  const wish = wishOf(req);
  if (wish === "silent") return undefined;
  return CLOSE_WISHES.has(wish) ? Math.min(PROGRESS_MS, usualMs) : usualMs;
}

/** What a request for this model waits for. */
function waitingFor(model: DirectoryModel): string {
  if (model.endpoints.length > 0) return "waiting for a free slot";
  const { state, message, progress } = model;
  const percent = progress === undefined ? "" : ` ${Math.floor(progress * 100)} %`;
  return `the model is ${state}${percent}: ${message.replace(/\s+/g, " ")}`;
}
