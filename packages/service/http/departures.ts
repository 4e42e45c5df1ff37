/**
 * How fast requests leave while others wait, and so how long one more will have to.
 *
 * It holds for one-token answers and for essays alike, because nothing is assumed about a request.
 */

const REMEMBERED = 32;

export class Departures {
  /** In milliseconds, oldest first, of one unbroken period in which requests waited. */
  #times: number[] = [];

  add(nowMs: number, { othersWait }: { readonly othersWait: boolean }): void {
    if (othersWait) this.#times = [...this.#times.slice(1 - REMEMBERED), nowMs];
    else if (this.#times.length > 0) this.#times = [];
  }

  /** Until so many have left; undefined while too little has been seen. */
  waitSeconds(requests: number): number | undefined {
    const [oldest, latest] = [this.#times.at(0), this.#times.at(-1)];
    if (oldest === undefined || latest === undefined || latest === oldest) return undefined;
    const intervalMs = (latest - oldest) / (this.#times.length - 1);
    return (intervalMs * requests) / 1000;
  }
}
