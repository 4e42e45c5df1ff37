/**
 * Whether this process leads, as those who write need to know it.
 *
 * Leadership lasts from the last renewal, counted from before it was asked for, until the renew deadline.
 * That is earlier than anybody else may take the lease, by enough to let a request under way come to its
 * end. It is judged by the clock at every write: a process that was stopped and continued finds its
 * leadership over before any timer has told it. Lost once, it is lost for good; the process starts again.
 */
import type { Clock } from "../time/clock.ts";
import type { WriteGuard } from "../wire/write-guard.ts";

class NotLeaderError extends Error {
  override readonly name = "NotLeaderError";
}

const NOT_RENEWED = "the lease was not renewed in time";

export class Leadership implements WriteGuard {
  readonly #clock: Clock;
  readonly #renewDeadlineMs: number;
  readonly #over = new AbortController();
  #untilMs = -Infinity;
  #timer: Disposable | undefined;

  constructor(clock: Clock, renewDeadlineMs: number) {
    this.#clock = clock;
    this.#renewDeadlineMs = renewDeadlineMs;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  get isHeld(): boolean {
    return !this.signal.aborted && this.#clock.nowMs() < this.#untilMs;
  }

  /** How long until it ends if nothing happens. */
  get leftMs(): number {
    return Math.max(0, this.#untilMs - this.#clock.nowMs());
  }

  check(): void {
    if (this.isHeld) return;
    if (this.#untilMs === -Infinity) {
      throw new NotLeaderError("not written: this process does not lead yet");
    }
    this.end(NOT_RENEWED);
    throw this.signal.reason;
  }

  /** `askedMs`: when the renewal that succeeded was sent. */
  renewed(askedMs: number): void {
    if (this.signal.aborted) return;
    this.#untilMs = askedMs + this.#renewDeadlineMs;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.schedule(this.leftMs, () => this.end(NOT_RENEWED));
  }

  end(why: string): void {
    this.#timer?.[Symbol.dispose]();
    this.#over.abort(new NotLeaderError(`not written: ${why}`));
  }
}
