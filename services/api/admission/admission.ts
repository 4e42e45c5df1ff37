/**
 * Lets no more requests through to a model's servers than they can work on; the others wait here, in turns.
 *
 * Most requests are let in at once and without a promise. While anybody waits, a pulse looks at the
 * directory: endpoints come, models fail, deadlines pass.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { queueFull } from "@localmodel/inference/unavailability.ts";
import type { OpenRequest } from "../upstream/open-requests.ts";
import { whyNotServing } from "../directory/find-model.ts";
import { isNearlyThere, loadingPatienceMs, sleeps } from "./capacity.ts";
import { makeRoom, Room } from "./room.ts";

export type AdmissionLimits = {
  /** For one model, beyond those that its servers have; shared equally by the keys whose requests wait. */
  readonly maxQueuedRequests: number;
  readonly queueTimeoutMs: number;
  readonly loadingTimeoutMs: number;
  /** Instead, for a model that is being woken: together with all that wait for any other. */
  readonly maxHeldRequests: number;
};

type Visitor = {
  readonly tenant: string;
  /** What the client's own timeout leaves. */
  readonly patienceSeconds: number;
  /** Whether it waits at all, rather than being told that it would have to. */
  readonly waits?: boolean;
  /** Told of the model when it begins to wait, and whenever something else keeps it waiting. */
  readonly sees?: (model: DirectoryModel) => void;
  readonly open: OpenRequest;
};

const PULSE_MS = 50;

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #find: (id: string) => DirectoryModel;
  readonly #now: () => number;
  readonly #gateways: () => number;
  readonly #onChange: (id: string) => void;
  readonly #rooms = new Map<string, Room>();
  #pulse: NodeJS.Timeout | undefined;

  /** `find` throws when the model is gone. `onChange`: somebody has come, entered or left; the model's id. */
  constructor(
    limits: AdmissionLimits,
    find: (id: string) => DirectoryModel,
    {
      now = () => performance.now(),
      onChange = () => {},
      gateways = () => 1,
    }: {
      readonly now?: () => number;
      readonly onChange?: (id: string) => void;
      /** Replicas of this service, this one included. */
      readonly gateways?: () => number;
    } = {},
  ) {
    this.#gateways = gateways;
    this.#limits = limits;
    this.#find = find;
    this.#now = now;
    this.#onChange = onChange;
  }

  waiting(id: string): number {
    return this.#rooms.get(id)?.waiting ?? 0;
  }

  inside(id: string): number {
    return this.#rooms.get(id)?.inside ?? 0;
  }

  /**
   * A place until it is disposed. Throws 429 when too many wait already or the wait would be too long, 503
   * when the model is not there and will not be soon.
   */
  enter(model: DirectoryModel, visitor: Visitor): Disposable | Promise<Disposable> {
    const room = this.#roomOf(model.id);
    const place = room.tryEnter(model);
    if (place !== undefined) {
      this.#onChange(model.id);
      return this.#leaving(model.id, room, place);
    }
    this.#refuse(model, room, visitor);
    return this.#wait(model, room, visitor);
  }

  /** Looks at everything anew; also what the pulse does. */
  advance(): void {
    for (const [id, room] of this.#rooms) this.#advanceRoom(id, room);
  }

  #refuse(model: DirectoryModel, room: Room, { tenant, patienceSeconds, waits }: Visitor): void {
    const unserved = model.endpoints.length === 0;
    const patienceMs = loadingPatienceMs(model, this.#limits.loadingTimeoutMs);
    if (unserved && (waits === false || !isNearlyThere(model) || patienceMs === 0)) {
      this.#forgetEmpty(model.id, room);
      throw whyNotServing(model);
    }
    const waitSeconds = room.waitSeconds(tenant);
    const isLate = (waitSeconds ?? 0) > patienceSeconds;
    if (waits === false || isLate || !this.#hasRoom(model, room, tenant)) {
      this.#forgetEmpty(model.id, room);
      throw queueFull(waitSeconds ?? 1);
    }
  }

  /** Takes it from who has most, if need be. */
  #hasRoom(model: DirectoryModel, room: Room, tenant: string): boolean {
    const { maxQueuedRequests, maxHeldRequests } = this.#limits;
    if (model.endpoints.length > 0 || !sleeps(model)) {
      return room.waiting < maxQueuedRequests || makeRoom([room], tenant);
    }
    const rooms = [...this.#rooms.values()];
    const waiting = rooms.reduce((sum, one) => sum + one.waiting, 0);
    return waiting < maxHeldRequests || makeRoom(rooms, tenant);
  }

  async #wait(model: DirectoryModel, room: Room, visitor: Visitor) {
    const { tenant, patienceSeconds, open, sees } = visitor;
    const { id } = model;
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const sinceMs = this.#now();
    const { queueTimeoutMs } = this.#limits;
    // Whoever wakes a model waits for that first, and for his turn after it.
    const wakingMs =
      sleeps(model) && model.endpoints.length === 0 ? loadingPatienceMs(model, 0) : 0;
    const waitMaxMs = Math.min(wakingMs + queueTimeoutMs, patienceSeconds * 1000);
    const waiter = {
      tenant,
      sinceMs,
      deadlineMs: sinceMs + waitMaxMs,
      letIn: (place: Disposable) => resolve(this.#leaving(id, room, place)),
      turnAway: reject,
      ...(sees && { sees }),
    };
    sees?.(model);
    room.wait(waiter);
    this.#onChange(id);
    this.#pulse ??= setInterval(() => this.advance(), PULSE_MS);
    using _ending = open.onEnd((reason) => {
      room.giveUp(waiter);
      reject(reason);
    });
    try {
      const place = await promise;
      // It was let in and hung up in the same moment.
      if (open.reason === undefined) return place;
      place[Symbol.dispose]();
      throw open.reason;
    } finally {
      this.#advanceRoom(id, room);
    }
  }

  /** The place, whose end is the next one's turn. */
  #leaving(id: string, room: Room, place: Disposable): Disposable {
    return {
      [Symbol.dispose]: () => {
        place[Symbol.dispose]();
        this.#advanceRoom(id, room);
      },
    };
  }

  #advanceRoom(id: string, room: Room): void {
    if (room.waiting > 0) {
      let model;
      try {
        model = this.#find(id);
      } catch (gone) {
        room.close(gone as Error);
      }
      if (model !== undefined) room.advance(model);
    }
    this.#forgetEmpty(id, room);
    this.#onChange(id);
  }

  #forgetEmpty(id: string, room: Room): void {
    if (room.isEmpty && this.#rooms.get(id) === room) this.#rooms.delete(id);
    if (this.#pulse === undefined) return;
    for (const one of this.#rooms.values()) if (one.waiting > 0) return;
    clearInterval(this.#pulse);
    this.#pulse = undefined;
  }

  #roomOf(id: string): Room {
    const known = this.#rooms.get(id);
    if (known !== undefined) return known;
    const room = new Room(this.#limits.loadingTimeoutMs, {
      now: this.#now,
      gateways: this.#gateways,
    });
    this.#rooms.set(id, room);
    return room;
  }
}
