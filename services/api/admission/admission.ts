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
import { isNearlyThere, loadingPatienceMs } from "./capacity.ts";
import { Room } from "./room.ts";

export type AdmissionLimits = {
  /** For one model, beyond those that its servers have; shared equally by the keys whose requests wait. */
  readonly maxQueuedRequests: number;
  readonly queueTimeoutMs: number;
  readonly loadingTimeoutMs: number;
};

type Visitor = {
  readonly tenant: string;
  /** What the client's own timeout leaves. */
  readonly patienceSeconds: number;
  readonly open: OpenRequest;
};

const PULSE_MS = 50;

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #find: (id: string) => DirectoryModel;
  readonly #now: () => number;
  readonly #onChange: () => void;
  readonly #rooms = new Map<string, Room>();
  #pulse: NodeJS.Timeout | undefined;

  /** `find` throws when the model is gone. `onChange`: somebody has come, entered or left. */
  constructor(
    limits: AdmissionLimits,
    find: (id: string) => DirectoryModel,
    {
      now = () => performance.now(),
      onChange = () => {},
    }: { readonly now?: () => number; readonly onChange?: () => void } = {},
  ) {
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
      this.#onChange();
      return this.#leaving(model.id, room, place);
    }
    this.#refuse(model, room, visitor);
    return this.#wait(model.id, room, visitor);
  }

  /** Looks at everything anew; also what the pulse does. */
  advance(): void {
    for (const [id, room] of this.#rooms) this.#advanceRoom(id, room);
  }

  #refuse(model: DirectoryModel, room: Room, { tenant, patienceSeconds }: Visitor): void {
    const { maxQueuedRequests, loadingTimeoutMs } = this.#limits;
    const unserved = model.endpoints.length === 0;
    const patienceMs = loadingPatienceMs(model, loadingTimeoutMs);
    if (unserved && (!isNearlyThere(model) || patienceMs === 0)) {
      this.#forgetEmpty(model.id, room);
      throw whyNotServing(model);
    }
    const waitSeconds = room.waitSeconds(tenant);
    const isLate = (waitSeconds ?? 0) > patienceSeconds;
    if (isLate || (room.waiting >= maxQueuedRequests && !room.makeRoom(tenant))) {
      throw queueFull(waitSeconds ?? 1);
    }
  }

  async #wait(id: string, room: Room, { tenant, patienceSeconds, open }: Visitor) {
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const sinceMs = this.#now();
    const waitMaxMs = Math.min(this.#limits.queueTimeoutMs, patienceSeconds * 1000);
    const waiter = {
      tenant,
      sinceMs,
      deadlineMs: sinceMs + waitMaxMs,
      letIn: (place: Disposable) => resolve(this.#leaving(id, room, place)),
      turnAway: reject,
    };
    room.wait(waiter);
    this.#onChange();
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
    this.#onChange();
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
    const room = new Room(this.#limits.loadingTimeoutMs, this.#now);
    this.#rooms.set(id, room);
    return room;
  }
}
