/**
 * A deadline between bytes: aborts when nothing has arrived for a while.
 *
 * A connection whose other end has vanished looks exactly like a slow one, and without this a download
 * would wait for it for ever.
 */
export class StallGuard implements Disposable {
  /** Aborts on a stall, and with the reason of the signal given to the constructor. */
  readonly signal: AbortSignal;
  readonly #stall = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(stallTimeoutMs: number, signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#stall.signal]);
    this.#timer = setTimeout(() => this.#stall.abort(), stallTimeoutMs);
  }

  get stalled(): boolean {
    return this.#stall.signal.aborted;
  }

  /** Something has arrived. */
  touch(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
