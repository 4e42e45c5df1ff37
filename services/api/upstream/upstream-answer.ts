/**
 * One answer of a model server as undici delivers it: head, pieces, end; or a failure at any point.
 *
 * The head settles a promise, and the rest waits until somebody has decided what to do with it. Answers
 * that arrive in one piece are thereby handed over in one piece.
 */
import type { Dispatcher } from "undici";
import type { OpenRequest } from "./open-requests.ts";
import { upstreamFailureOf } from "./upstream-failure.ts";

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Takes a body; the last call is `end` or `fail`, exactly once. */
export type Sink = {
  /** False to be left alone until `resume`. */
  data(chunk: Buffer): boolean;
  end(trailers: AnswerHeaders): void;
  fail(thrown: unknown): void;
};

type End = { readonly trailers: AnswerHeaders } | { readonly thrown: unknown };

export class UpstreamAnswer implements Dispatcher.DispatchHandler {
  readonly #headed = Promise.withResolvers<UpstreamAnswer>();
  readonly #ending: Disposable;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: AnswerHeaders = {};
  #early: Buffer[] = [];
  #end: End | undefined;
  #sink: Sink | undefined;
  #reason: Error | undefined;

  /** Ends with the request it is for. */
  constructor(open: OpenRequest) {
    this.#ending = open.onEnd((reason) => this.abort(reason));
  }

  /** This answer, once its status and headers are known. */
  get head(): Promise<UpstreamAnswer> {
    return this.#headed.promise;
  }

  get status(): number {
    return this.#status;
  }

  get headers(): AnswerHeaders {
    return this.#headers;
  }

  /** Hands over what has come and what will come. */
  deliver(sink: Sink): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.#pass(sink, chunk);
    if (this.#end !== undefined) this.#finish(this.#end);
  }

  /** The sink wants more. */
  resume(): void {
    this.#controller?.resume();
  }

  /** Gives up on whatever has not come yet, the connection included. */
  abort(reason: Error): void {
    if (this.#end !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    // Until undici has a connection there is nothing to abort, and nobody should wait for it.
    this.#finish({ thrown: reason });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#reason !== undefined) controller.abort(this.#reason);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: AnswerHeaders,
  ): void {
    // 1xx: the answer is still to come.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#headed.resolve(this);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#end !== undefined) return;
    if (this.#sink === undefined) this.#early.push(chunk);
    else this.#pass(this.#sink, chunk);
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: AnswerHeaders): void {
    this.#finish({ trailers });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish({ thrown: this.#reason ?? upstreamFailureOf(error, this.#status !== 0) });
  }

  #pass(sink: Sink, chunk: Buffer): void {
    if (!sink.data(chunk)) this.#controller?.pause();
  }

  #finish(end: End): void {
    const first = this.#end === undefined;
    this.#end ??= end;
    if (first) {
      this.#ending[Symbol.dispose]();
      if ("thrown" in end) this.#headed.reject(end.thrown);
    }
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#sink = undefined;
    if ("thrown" in this.#end) sink.fail(this.#end.thrown);
    else sink.end(this.#end.trailers);
  }
}
