/**
 * Long work of many requests, a slice at a time: one slice in each round of the event loop, whoever's it is.
 *
 * A request that only let others go first would still have company: the slices of a hundred such requests would follow
 * one another without a pause.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when it is this one's turn, in the order of asking. */
  next = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#waiting.push(resolve) === 1) setImmediate(this.#call);
    return promise;
  };

  readonly #call = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#call);
  };
}
