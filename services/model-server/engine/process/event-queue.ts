/**
 * A queue between one who pushes and one who iterates.
 *
 * The engine never waits for a client: it pushes. What a slow client leaves lying here is bounded by the
 * completion it asked for, and by the route that stops reading from a client it has to give up on.
 */
export class EventQueue<Event> implements AsyncIterable<Event> {
  #events: Event[] = [];
  #read = 0;
  #failure: { readonly reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(event: Event): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** Ends the iteration with `reason`; events not read yet are dropped. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (;;) {
      this.#throwFailure();
      const event = this.#events[this.#read];
      if (event !== undefined) {
        this.#read += 1;
        yield event;
        continue;
      }
      this.#events = [];
      this.#read = 0;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }
}
