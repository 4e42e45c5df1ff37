/**
 * The waiting room of one model: who is inside, who waits, and who has waited long enough.
 *
 * Nobody is inside who has not been let in by `advance`, which is called whenever something may have changed.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { queueFull } from "@localmodel/inference/unavailability.ts";
import { whyNotServing } from "../directory/find-model.ts";
import { capacityOf, isNearlyThere, loadingPatienceMs } from "./capacity.ts";
import { Departures } from "@localmodel/service/http/departures.ts";
import { FairQueue } from "./fair-queue.ts";

type Waiter = {
  readonly tenant: string;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  readonly letIn: (place: Disposable) => void;
  readonly turnAway: (reason: Error) => void;
};

/** Answers to "how long?" when nothing has been seen yet. */
const UNKNOWN_WAIT_SECONDS = 5;

export class Room {
  readonly #now: () => number;
  readonly #loadingTimeoutMs: number;
  readonly #waiters = new FairQueue<Waiter>();
  readonly #departures = new Departures();
  #inside = 0;
  /** Since when the model has had no endpoint. */
  #unservedSinceMs: number | undefined;

  constructor(loadingTimeoutMs: number, now: () => number) {
    this.#loadingTimeoutMs = loadingTimeoutMs;
    this.#now = now;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  get isEmpty(): boolean {
    return this.#inside === 0 && this.#waiters.size === 0;
  }

  /** Until one more of this tenant would be let in, as far as can be told. */
  waitSeconds(tenant: string): number | undefined {
    return this.#departures.waitSeconds(this.#waiters.before(tenant) + 1);
  }

  /** A place at once, if there is one and nobody was here before. */
  tryEnter(model: DirectoryModel): Disposable | undefined {
    if (this.#waiters.size > 0 || this.#inside >= capacityOf(model)) return undefined;
    return this.#place();
  }

  wait(waiter: Waiter): void {
    this.#waiters.push(waiter.tenant, waiter);
  }

  /** Turns away one of a tenant who has more than its share. False when nobody has more than this one would have. */
  makeRoom(tenant: string): boolean {
    const hog = this.#waiters.surplusOver(tenant);
    if (hog === undefined) return false;
    this.giveUp(hog);
    hog.turnAway(queueFull(this.waitSeconds(hog.tenant) ?? UNKNOWN_WAIT_SECONDS));
    return true;
  }

  giveUp(waiter: Waiter): void {
    this.#waiters.delete(waiter.tenant, waiter);
  }

  /** Lets in who may enter now, and turns away who has waited for too long or in vain. */
  advance(model: DirectoryModel): void {
    const nowMs = this.#now();
    if (model.endpoints.length > 0) this.#unservedSinceMs = undefined;
    else this.#awaitEndpoints(model, nowMs);
    while (this.#inside < capacityOf(model)) {
      const next = this.#waiters.shift();
      if (next === undefined) break;
      next.letIn(this.#place());
    }
    this.#turnAway(({ deadlineMs, tenant }) =>
      nowMs >= deadlineMs ? queueFull(this.waitSeconds(tenant) ?? UNKNOWN_WAIT_SECONDS) : undefined,
    );
  }

  /** The model is gone. */
  close(reason: Error): void {
    this.#turnAway(() => reason);
  }

  #awaitEndpoints(model: DirectoryModel, nowMs: number): void {
    this.#unservedSinceMs ??= nowMs;
    const since = this.#unservedSinceMs;
    const hopeless = !isNearlyThere(model);
    const patienceMs = loadingPatienceMs(model, this.#loadingTimeoutMs);
    this.#turnAway(({ sinceMs }) => {
      const waitedMs = nowMs - Math.max(sinceMs, since);
      return hopeless || waitedMs >= patienceMs ? whyNotServing(model) : undefined;
    });
  }

  #turnAway(reasonFor: (waiter: Waiter) => Error | undefined): void {
    for (const waiter of this.#waiters) {
      const reason = reasonFor(waiter);
      if (reason === undefined) continue;
      this.giveUp(waiter);
      waiter.turnAway(reason);
    }
  }

  #place(): Disposable {
    this.#inside += 1;
    let taken = true;
    return {
      [Symbol.dispose]: () => {
        if (!taken) return;
        taken = false;
        this.#inside -= 1;
        this.#departures.add(this.#now(), { othersWait: this.#waiters.size > 0 });
      },
    };
  }
}
