/**
 * How many requests may be inside at the same time, and when to come back for the others.
 *
 * Counting only: queueing itself is the engine's. The wait it suggests comes from how fast requests have
 * been leaving while others waited, so it holds for one-token answers and for essays alike.
 */
import { Departures } from "@localmodel/service/http/departures.ts";
import { queueFull } from "@localmodel/inference/unavailability.ts";

type PlaceLimits = {
  /** Requests worked on at the same time. */
  readonly slots: number;
  readonly maxQueuedRequests: number;
};

const DEFAULT_WAIT_SECONDS = 1;

export class Places {
  readonly #limits: PlaceLimits;
  readonly #now: () => number;
  readonly #departures = new Departures();
  #inFlight = 0;

  constructor(limits: PlaceLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** A place inside until it is disposed. Throws 429 when there is none, or none in time. */
  take(patienceSeconds = Infinity): Disposable {
    const { slots, maxQueuedRequests } = this.#limits;
    const full = this.#inFlight >= slots + maxQueuedRequests;
    const waitSeconds = this.#inFlight < slots ? 0 : this.#waitSeconds();
    if (full || (waitSeconds ?? 0) > patienceSeconds) {
      throw queueFull(waitSeconds ?? DEFAULT_WAIT_SECONDS);
    }
    this.#inFlight++;
    let inside = true;
    return {
      [Symbol.dispose]: () => {
        if (inside) this.#leave();
        inside = false;
      },
    };
  }

  #leave(): void {
    const othersWait = this.#inFlight > this.#limits.slots;
    this.#departures.add(this.#now(), { othersWait });
    this.#inFlight--;
  }

  /** Until what waits now has left, at the pace of the recent departures, if there were any. */
  #waitSeconds(): number | undefined {
    return this.#departures.waitSeconds(Math.max(1, this.#inFlight - this.#limits.slots));
  }
}
