/**
 * The requests that are being forwarded right now, and the one switch that ends them.
 *
 * Each is told when it has to end: because its client hung up, or because a drain is over. Not an
 * AbortSignal, which costs more than everything else that is done for a request here.
 */
import { shuttingDown } from "@localmodel/inference/unavailability.ts";
import type { Response } from "express";

/** Why a request ended whose client has gone: nobody is left to be told anything. */
export class ClientGone extends Error {
  constructor() {
    super("the client hung up");
    this.name = "ClientGone";
  }
}

export class OpenRequest implements Disposable {
  readonly #res: Response;
  readonly #forget: (request: OpenRequest) => void;
  readonly #listeners = new Set<(reason: Error) => void>();
  #reason: Error | undefined;

  constructor(res: Response, forget: (request: OpenRequest) => void) {
    this.#res = res;
    this.#forget = forget;
    res.once("close", this.#closed);
    if (res.destroyed) this.#closed();
  }

  /** Set once it has to end. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Calls `listener` when the request has to end, until that is disposed; at once if it already has to. */
  onEnd(listener: (reason: Error) => void): Disposable {
    if (this.#reason === undefined) this.#listeners.add(listener);
    else listener(this.#reason);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  end(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    for (const listener of this.#listeners) listener(reason);
  }

  [Symbol.dispose](): void {
    this.#res.off("close", this.#closed);
    this.#forget(this);
  }

  readonly #closed = (): void => {
    // "close" also follows a complete answer, and our own cutting of a broken one.
    if (!this.#res.writableFinished && !this.#res.errored) this.end(new ClientGone());
  };
}

export class OpenRequests {
  readonly #open = new Set<OpenRequest>();
  readonly #forget = (request: OpenRequest): void => {
    this.#open.delete(request);
    if (this.#draining && !this.#refusing) this.#awaitQuiet();
  };
  readonly #left = Promise.withResolvers<void>();
  #draining = false;
  #refusing = false;
  #quietMs = 0;
  #quiet: NodeJS.Timeout | undefined;

  /** Whether it has been told to end. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Whether new requests are refused. */
  get refusing(): boolean {
    return this.#refusing;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * From now on new requests are refused, or, with `quietMs`, as soon as none was open for so long: where others choose
   * who is asked, they learn later than this process that it ends, and who was just answered may have been promised that
   * the connection is kept for a next request. Resolves then.
   */
  drain(quietMs = 0): Promise<void> {
    this.#draining = true;
    this.#quietMs = quietMs;
    this.#awaitQuiet();
    return this.#left.promise;
  }

  /** Ends what is still open, and refuses what comes. */
  cut(): void {
    this.#refuse();
    for (const request of this.#open) request.end(shuttingDown());
  }

  /** Throws 503 once new requests are refused. */
  begin(res: Response): OpenRequest {
    if (this.#refusing) throw shuttingDown();
    clearTimeout(this.#quiet);
    const request = new OpenRequest(res, this.#forget);
    this.#open.add(request);
    return request;
  }

  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    if (this.#quietMs === 0) this.#refuse();
    else if (this.#open.size === 0) this.#quiet = setTimeout(() => this.#refuse(), this.#quietMs);
  }

  #refuse(): void {
    clearTimeout(this.#quiet);
    this.#refusing = true;
    this.#left.resolve();
  }
}
