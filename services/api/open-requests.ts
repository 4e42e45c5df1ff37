/**
 * The requests that are being forwarded right now, and the one switch that ends them.
 *
 * Each has a signal. It aborts when the client hangs up, and at the end of a drain; its reason says which.
 */
import { shuttingDown } from "@localmodel/openai/errors.ts";
import type { Response } from "express";

/** The reason of a signal whose client has gone: nobody is left to be told anything. */
export class ClientGone extends Error {
  constructor() {
    super("the client hung up");
    this.name = "ClientGone";
  }
}

export type OpenRequest = Disposable & { readonly signal: AbortSignal };

export class OpenRequests {
  readonly #open = new Set<AbortController>();
  #draining = false;

  get draining(): boolean {
    return this.#draining;
  }

  get count(): number {
    return this.#open.size;
  }

  /** From now on new requests are refused. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends what is still open. */
  cut(): void {
    for (const controller of this.#open) controller.abort(shuttingDown());
  }

  /** Throws 503 while draining. */
  begin(res: Response): OpenRequest {
    if (this.#draining) throw shuttingDown();
    const controller = new AbortController();
    const closed = (): void => {
      // "close" also follows a complete answer, and our own cutting of a broken one.
      if (!res.writableFinished && !res.errored) controller.abort(new ClientGone());
    };
    this.#open.add(controller);
    res.once("close", closed);
    if (res.destroyed) closed();
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        this.#open.delete(controller);
        res.off("close", closed);
      },
    };
  }
}
