/**
 * A deadline that is counted in beats of this process, not read from a clock.
 *
 * A laptop that slept and a process that was stopped find minutes gone in which nobody else got on either. Beats that
 * were missed are not made up, so such a pause counts as one.
 */
export type PatienceLimit = { readonly beatMs: number; readonly beats: number };

export class Patience implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #beats = 0;

  /** `lost` is called once, after so many beats without `renew`. */
  constructor({ beatMs, beats }: PatienceLimit, lost: () => void) {
    this.#timer = setInterval(() => {
      this.#beats += 1;
      if (this.#beats < beats) return;
      clearInterval(this.#timer);
      lost();
    }, beatMs);
    this.#timer.unref();
  }

  renew(): void {
    this.#beats = 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
