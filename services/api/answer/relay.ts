/**
 * The answer's bytes to the client, as they come and no faster than the client reads.
 *
 * Once the head is out, a failure can only be told inside the stream: an error event and not its regular end. An
 * answer that is not a stream of events has no place for one, so its connection is cut.
 */
import type { StreamForm } from "@localmodel/inference/dialect.ts";
import { dialectOf } from "@localmodel/service/http/exchange.ts";
import { markFailed } from "@localmodel/service/http/server-span.ts";
import type { Response } from "express";
import { contextOf, note } from "../request/context.ts";
import { failureType } from "../upstream/upstream-failure.ts";
import { clientHeaders } from "../upstream/upstream-headers.ts";
import { endInStream, RefusedStream } from "./broken-stream.ts";
import type { AnswerHeaders, Sink, UpstreamAnswer } from "../upstream/upstream-answer.ts";
import { EVENTS, eventsIn } from "./whole-events.ts";
import { LINES } from "./whole-lines.ts";
import { WholeParts } from "./whole-parts.ts";

/** What is kept of an answer, once it is known whether it streams. */
export type KeeperOf = (isStream: boolean) => {
  data(chunk: Buffer): Promise<void> | undefined;
  end(): Promise<void> | undefined;
};

/** Rejects with what broke the answer, after the client has been told. */
export function relay(answer: UpstreamAnswer, res: Response, keeperOf?: KeeperOf): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { meter } = contextOf(res);
  meter?.read(answer.headers);
  const client = clientFor(answer, res);
  const keeper = answer.status === 200 ? keeperOf?.(isStream(answer, res)) : undefined;
  const { framing } = dialectOf(res).stream;
  if (!res.headersSent) res.writeHead(answer.status, clientHeaders(answer.headers));
  const order = new Order();
  const pass = (chunk: Buffer): boolean => {
    const flowing = client.data(chunk);
    if (!flowing) res.once("drain", () => answer.resume());
    return flowing;
  };
  answer.deliver({
    data: (chunk) => {
      meter?.count(chunk, framing);
      order.waitFor(keeper?.data(chunk));
      if (order.isFree) return pass(chunk);
      order.next(() => {
        if (res.destroyed || pass(chunk)) answer.resume();
      });
      return false;
    },
    end: (trailers) => {
      meter?.read(trailers);
      order.waitFor(keeper?.end());
      order.next(() => {
        client.end();
        resolve();
      });
    },
    fail: (thrown) => {
      order.next(() => {
        // Before the response ends, and with it the line in the log.
        note(res, { outcome: "broken" });
        markFailed(res, failureType(thrown));
        client.fail(thrown);
        reject(thrown);
      });
    },
  });
  // What has come with the head has gone with it.
  if (!res.writableEnded && !client.begun) res.flushHeaders();
  return promise;
}

/** One after the other, at once while nothing is waited for. */
class Order {
  #last: Promise<void> | undefined;
  #waiting = 0;

  get isFree(): boolean {
    return this.#waiting === 0;
  }

  /** What comes after it happens when it is settled. */
  waitFor(waited: Promise<void> | undefined): void {
    if (waited !== undefined) this.#last = this.#after(this.#last, () => waited);
  }

  next(act: () => void): void {
    if (this.isFree) act();
    else this.#last = this.#after(this.#last, act);
  }

  async #after(before: Promise<void> | undefined, act: () => void | Promise<void>): Promise<void> {
    this.#waiting += 1;
    try {
      await before;
      await act();
    } finally {
      this.#waiting -= 1;
    }
  }
}

type Client = Pick<Sink, "data" | "fail"> & { readonly begun: boolean; end(): void };

/** Once comments have opened a stream, nothing but a stream can follow. */
function clientFor(answer: UpstreamAnswer, res: Response): Client {
  const { status, headers } = answer;
  const { stream } = dialectOf(res);
  const events = isStream(answer, res);
  if (res.headersSent && (status !== 200 || !events)) return new RefusedStream(res);
  return events ? new EventClient(res, stream) : new ByteClient(res, headers);
}

class EventClient implements Client {
  readonly #res: Response;
  readonly #parts: WholeParts;
  readonly #isEnd: (events: Buffer) => boolean;
  readonly #counts: boolean;
  #sentFrames = 0;
  #done = false;
  begun = false;

  constructor(res: Response, stream: StreamForm) {
    this.#res = res;
    this.#parts = new WholeParts(stream.framing === "lines" ? LINES : EVENTS);
    this.#isEnd = endOf(stream);
    this.#counts = stream.numbersFrames === true;
  }

  data(chunk: Buffer): boolean {
    const whole = this.#parts.push(chunk);
    if (whole.length === 0) return true;
    this.begun = true;
    this.#done = this.#isEnd(whole);
    if (this.#counts) this.#sentFrames += eventsIn(whole);
    return this.#res.write(whole);
  }

  end(): void {
    this.#res.end(this.#parts.rest());
  }

  fail(thrown: unknown): void {
    if (this.#done) this.#res.end();
    else if (this.#parts.isInside) this.#res.destroy();
    else endInStream(this.#res, thrown, this.#sentFrames);
  }
}

class ByteClient implements Client {
  readonly #res: Response;
  #leftBytes: number;
  /** The last piece goes out together with the end. */
  #last: Buffer | undefined;
  begun = false;

  constructor(res: Response, headers: AnswerHeaders) {
    this.#res = res;
    this.#leftBytes = Number(headers["content-length"]);
  }

  data(chunk: Buffer): boolean {
    this.begun = true;
    this.#leftBytes -= chunk.length;
    if (this.#leftBytes !== 0) return this.#res.write(chunk);
    this.#last = chunk;
    return true;
  }

  end(): void {
    this.#res.end(this.#last);
  }

  fail(): void {
    this.#res.destroy();
  }
}

const endsKnown = new WeakMap<StreamForm, (events: Buffer) => boolean>();

/** Whether events end with what the dialect writes after the last one; made once for each. */
function endOf(stream: StreamForm): (events: Buffer) => boolean {
  const known = endsKnown.get(stream);
  if (known !== undefined) return known;
  const isEnd = stream.last === undefined ? endsWith(stream.end) : contains(stream.last);
  endsKnown.set(stream, isEnd);
  return isEnd;
}

function contains(last: string): (events: Buffer) => boolean {
  return (events) => events.includes(last);
}

function endsWith(text: string): (events: Buffer) => boolean {
  const end = Buffer.from(text);
  // Most events are told apart by one byte.
  const byte = end.at(-3);
  return (events) =>
    byte !== undefined &&
    events[events.length - 3] === byte &&
    events.subarray(-end.length).equals(end);
}

function isStream({ headers }: UpstreamAnswer, res: Response): boolean {
  const [mediaType = ""] = dialectOf(res).stream.contentType.split(";");
  return String(headers["content-type"] ?? "").startsWith(mediaType);
}
