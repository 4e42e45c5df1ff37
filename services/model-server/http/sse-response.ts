/**
 * A response of server-sent events that decides as late as possible to be one.
 *
 * Until the first event the status line is held back, so that whatever fails early is still a proper 4xx or
 * 5xx. A client that waits longer than the keep-alive interval gets its headers and a comment instead (or an event, where
 * its API has one for that), and one again whenever nothing else was sent for as long.
 *
 * The engine does not wait for slow readers, so what they leave unread is bounded here.
 */
import { USAGE_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { Failure, toFailure } from "@localmodel/inference/failure.ts";
import type { Dialect, Frame } from "@localmodel/inference/dialect.ts";
import { openEventStream } from "@localmodel/service/http/event-stream.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { dialectOf, failureContextOf } from "@localmodel/service/http/exchange.ts";
import type { Response } from "express";
import { markProcessed } from "./api-headers.ts";
import { wantsReport } from "./usage-report.ts";

/** Some twenty thousand events that a client has not read yet. */
const UNREAD_MAX_BYTES = 4 * 1024 * 1024;

type SseOptions = {
  readonly keepAliveMs: number;
  readonly log: Logger;
  /** What is sent where nothing else was. Default: a comment. */
  readonly idle?: (() => readonly Frame[]) | undefined;
};

export class SseResponse implements Disposable {
  readonly #res: Response;
  readonly #log: Logger;
  readonly #keepAlive: NodeJS.Timeout;
  readonly #dialect: Dialect;
  #sentFrames = 0;

  constructor(res: Response, { keepAliveMs, log, idle }: SseOptions) {
    this.#res = res;
    this.#log = log;
    this.#dialect = dialectOf(res);
    const comment = this.#dialect.stream.comment("keep-alive");
    this.#keepAlive = setInterval(() => {
      if (idle === undefined) this.#write(comment);
      else for (const frame of idle()) this.send(frame);
    }, keepAliveMs);
  }

  send(frame: Frame): void {
    this.#write(this.#dialect.stream.frame(frame));
    this.#sentFrames += 1;
    this.#keepAlive.refresh();
  }

  /** The regular end. */
  done(): void {
    this.#end(this.#dialect.stream.end);
  }

  /**
   * Ends the stream with an error, or throws it while it can still become the status of the response. `framesOf` tells
   * what comes before that error.
   */
  fail(thrown: unknown, framesOf?: (failure: Failure) => readonly Frame[]): void {
    if (!this.#res.headersSent || this.#res.destroyed) throw thrown;
    const failure = toFailure(thrown);
    // Expected failures explain themselves; only for the others is the cause worth a stack.
    if (thrown instanceof Failure) {
      this.#log.warn("a stream ended with an error", {
        code: failure.code,
        reason: failure.message,
      });
    } else this.#log.error("a stream failed", { error: thrown });
    for (const frame of framesOf?.(failure) ?? []) this.send(frame);
    const { body } = this.#dialect.failure(failure, failureContextOf(this.#res));
    this.#end(this.#dialect.stream.failed(body, this.#sentFrames));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#keepAlive);
  }

  #write(text: string): void {
    const res = this.#res;
    if (res.destroyed) return;
    if (!res.headersSent) this.#open();
    res.write(text);
    if (res.writableLength <= UNREAD_MAX_BYTES) return;
    this.#log.warn("a client reads too slowly; its stream is cut", { unread: res.writableLength });
    res.destroy();
  }

  #end(text: string): void {
    this.#write(text);
    if (!this.#res.destroyed) this.#res.end();
  }

  #open(): void {
    markProcessed(this.#res);
    openEventStream(this.#res, {
      contentType: this.#dialect.stream.contentType,
      ...(wantsReport(this.#res.req) && { trailer: USAGE_HEADER }),
    });
  }
}
