/** What requests wait for before they are in line for a slot: who gives one up ends it. */
import { CancelledError } from "./cancelled-error.ts";

export class Preparations {
  readonly #open = new Map<number, AbortController>();

  /** @throws CancelledError once it is cancelled, whatever it fails with then */
  async during(id: number, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const cancellation = new AbortController();
    this.#open.set(id, cancellation);
    try {
      await act(cancellation.signal);
    } catch (error) {
      cancellation.signal.throwIfAborted();
      throw error;
    } finally {
      this.#open.delete(id);
    }
  }

  cancel(id: number): void {
    this.#open.get(id)?.abort(new CancelledError());
  }
}
