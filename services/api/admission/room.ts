/**
 * The waiting room of one model: who is inside, who waits, and who has waited long enough.
 *
 * Nobody is inside who has not been let in by `advance`, which is called whenever something may have changed.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { queueFull } from "@localmodel/inference/unavailability.ts";
import { whyNotServing } from "../directory/find-model.ts";
import { capacityOf, isNearlyThere, loadingPatienceMs, stuckPatienceMs } from "./capacity.ts";
import { Departures } from "@localmodel/service/http/departures.ts";
import { FairQueue } from "./fair-queue.ts";

type Waiter = {
  readonly tenant: string;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  readonly letIn: (place: Disposable) => void;
  readonly turnAway: (reason: Error) => void;
  readonly sees?: (model: DirectoryModel) => void;
};

/** Answers to "how long?" when nothing has been seen yet. */
const UNKNOWN_WAIT_SECONDS = 5;

export class Room {
  readonly #now: () => number;
  readonly #gateways: () => number;
  readonly #loadingTimeoutMs: number;
  readonly #waiters = new FairQueue<Waiter>();
  readonly #departures = new Departures();
  #inside = 0;
  /** Of the model, when those who wait were last told of it. */
  #seen = "";
  /** Since when the model has had no endpoint. */
  #unservedSinceMs: number | undefined;
  /** Since when something else than time has kept it from being served. */
  #stuckSinceMs: number | undefined;

  constructor(
    loadingTimeoutMs: number,
    { now, gateways }: { readonly now: () => number; readonly gateways: () => number },
  ) {
    this.#loadingTimeoutMs = loadingTimeoutMs;
    this.#now = now;
    this.#gateways = gateways;
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
    if (this.#waiters.size > 0 || this.#inside >= capacityOf(model, this.#gateways()))
      return undefined;
    return this.#place();
  }

  wait(waiter: Waiter): void {
    this.#waiters.push(waiter.tenant, waiter);
  }

  /** How many each tenant has here. */
  lengths(): Iterable<readonly [tenant: string, length: number]> {
    return this.#waiters.lengths();
  }

  /** Turns away the latest of this tenant. */
  turnAwayOneOf(tenant: string): void {
    const waiter = this.#waiters.latest(tenant);
    if (waiter === undefined) return;
    this.giveUp(waiter);
    waiter.turnAway(queueFull(this.waitSeconds(tenant) ?? UNKNOWN_WAIT_SECONDS));
  }

  giveUp(waiter: Waiter): void {
    this.#waiters.delete(waiter.tenant, waiter);
  }

  /** Lets in who may enter now, and turns away who has waited for too long or in vain. */
  advance(model: DirectoryModel): void {
    const nowMs = this.#now();
    const isServed = model.endpoints.length > 0;
    if (isServed) this.#unservedSinceMs = undefined;
    else this.#awaitEndpoints(model, nowMs);
    this.#show(model);
    while (this.#inside < capacityOf(model, this.#gateways())) {
      const next = this.#waiters.shift();
      if (next === undefined) break;
      next.letIn(this.#place());
    }
    this.#turnAway(({ deadlineMs, tenant }) => {
      if (nowMs < deadlineMs) return undefined;
      return isServed
        ? queueFull(this.waitSeconds(tenant) ?? UNKNOWN_WAIT_SECONDS)
        : whyNotServing(model);
    });
  }

  /** The model is gone. */
  close(reason: Error): void {
    this.#turnAway(() => reason);
  }

  /** Not at every look: there may be thousands who wait. */
  #show(model: DirectoryModel): void {
    const { state, reason = "", endpoints } = model;
    const seen = `${state} ${reason} ${endpoints.length > 0}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    for (const { sees } of this.#waiters) sees?.(model);
  }

  #awaitEndpoints(model: DirectoryModel, nowMs: number): void {
    this.#unservedSinceMs ??= nowMs;
    const since = this.#unservedSinceMs;
    if (model.isStuck !== true) this.#stuckSinceMs = undefined;
    else this.#stuckSinceMs ??= nowMs;
    const isHopeless =
      !isNearlyThere(model) || nowMs - (this.#stuckSinceMs ?? nowMs) >= stuckPatienceMs(model);
    const patienceMs = loadingPatienceMs(model, this.#loadingTimeoutMs);
    this.#turnAway(({ sinceMs }) => {
      const waitedMs = nowMs - Math.max(sinceMs, since);
      return isHopeless || waitedMs >= patienceMs ? whyNotServing(model) : undefined;
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

/**
 * Turns away the latest of the tenant who has most in these rooms. False when this one would then have most itself; so
 * whoever has less than an equal share is never refused.
 */
export function makeRoom(rooms: readonly Room[], tenant: string): boolean {
  const shares = new Map<string, { length: number; longest: number; room: Room }>();
  for (const room of rooms) {
    for (const [name, length] of room.lengths()) {
      const share = shares.get(name) ?? { length: 0, longest: 0, room };
      share.length += length;
      if (length > share.longest) Object.assign(share, { longest: length, room });
      shares.set(name, share);
    }
  }
  const own = shares.get(tenant)?.length ?? 0;
  const [hog] = [...shares].toSorted(([, one], [, other]) => other.length - one.length);
  if (hog === undefined || hog[1].length <= own + 1) return false;
  const [name, { room }] = hog;
  room.turnAwayOneOf(name);
  return true;
}
