/**
 * The models that share this machine's memory, as they are now: what decideResidence needs to know of each.
 *
 * It remembers what no single look at a server tells: since when somebody waits for it, uses it or does not, and which
 * of those that go to sleep the API service has been told of.
 */
import type { Demand } from "@localmodel/localmodel/contracts/directory.ts";
import { formatBytes } from "@localmodel/weights/progress/units.ts";
import { decideResidence, largestBytes, type Residence } from "./desired/residence.ts";
import type { Resident } from "./desired/resident.ts";
import type { Rules } from "./desired/room.ts";
import type { ServerView } from "./desired/server-view.ts";
import type { ModelRun } from "./processes/model-run.ts";

type Record = {
  isBusy: boolean;
  waitingSinceMs: number | undefined;
  awakeSinceMs: number;
  idleSinceMs: number;
  wasAwake: boolean;
  /** What its latest request said. */
  keepAliveSeconds: number | undefined;
  /** Somebody wants its memory back. */
  isUnloaded: boolean;
  /** While it is closing: the first directory without it; Infinity until that is sent. */
  closedBy: number | undefined;
};

export class Residency {
  readonly #rules: Rules;
  readonly #now: () => number;
  readonly #records = new Map<ModelRun, Record>();
  #knownDirectory = 0;

  constructor(rules: Rules, now: () => number = () => performance.now()) {
    this.#rules = rules;
    this.#now = now;
  }

  add(run: ModelRun): void {
    const nowMs = this.#now();
    this.#records.set(run, {
      isBusy: false,
      waitingSinceMs: undefined,
      awakeSinceMs: nowMs,
      idleSinceMs: nowMs,
      wasAwake: false,
      keepAliveSeconds: undefined,
      isUnloaded: false,
      closedBy: undefined,
    });
  }

  forget(run: ModelRun): void {
    this.#records.delete(run);
  }

  /** What the API service says, as of the directory of that number. */
  demand(demand: Demand, directory: number): void {
    this.#knownDirectory = directory;
    for (const [run, record] of this.#records) this.#note(record, demand[run.model.key]);
  }

  #note(record: Record, demand: Demand[string] | undefined): void {
    const { isBusy = false, isWaiting = false, keepAliveSeconds } = demand ?? {};
    const nowMs = this.#now();
    const wasWanted = record.isBusy || record.waitingSinceMs !== undefined;
    const isWanted = isBusy || isWaiting;
    if (wasWanted && !isWanted) record.idleSinceMs = nowMs;
    if (!wasWanted && isWanted) record.isUnloaded = false;
    record.isBusy = isBusy;
    record.waitingSinceMs = isWaiting ? (record.waitingSinceMs ?? nowMs) : undefined;
    record.keepAliveSeconds = keepAliveSeconds;
  }

  unload(key: string): void {
    for (const [run, record] of this.#records) if (run.model.key === key) record.isUnloaded = true;
  }

  /** The next directory is the first without those that are closing. */
  published(directory: number): void {
    for (const record of this.#records.values()) {
      if (record.closedBy === Infinity) record.closedBy = directory;
    }
  }

  decide(): Residence {
    return decideResidence(this.#residents(), this.#rules, this.#now());
  }

  close(run: ModelRun): void {
    const record = this.#records.get(run);
    if (record !== undefined) record.closedBy ??= Infinity;
  }

  reopen(run: ModelRun): void {
    const record = this.#records.get(run);
    if (record !== undefined) record.closedBy = undefined;
  }

  /** What others are told of a run: as it is, unless it is going to sleep, waits for room, or can never have it. */
  viewOf(run: ModelRun): ServerView {
    const { view, needs, model } = run;
    const record = this.#records.get(run);
    if (record === undefined || model.idleSeconds === undefined) return view;
    const { header, facts } = view;
    const known = {
      ...(header !== undefined && { header }),
      ...(facts !== undefined && { facts }),
    };
    if (record.closedBy !== undefined) {
      return { ...known, state: "asleep", message: "it is going to sleep" };
    }
    if (view.state !== "asleep" || needs === undefined) return view;
    const mostBytes = largestBytes(this.#residents(), this.#rules.budgetBytes);
    if (needs.bytes > mostBytes) {
      return { ...known, state: "failed", message: tooLarge(needs.bytes, mostBytes) };
    }
    if (record.waitingSinceMs === undefined) return view;
    return { ...known, state: "asleep", message: "it waits for memory that other models use" };
  }

  #residents(): readonly Resident[] {
    return [...this.#records].flatMap(([run, record]) => {
      const { phase, needs, number, model } = run;
      if (phase === "absent" || needs === undefined) return [];
      this.#seen(record, phase === "awake");
      const { closedBy } = record;
      return [
        {
          number,
          bytes: needs.bytes,
          stays: model.idleSeconds === undefined,
          phase: phase === "awake" && closedBy !== undefined ? "closing" : phase,
          isConfirmed: closedBy !== undefined && this.#knownDirectory >= closedBy,
          isBusy: record.isBusy,
          waitingSinceMs: record.waitingSinceMs,
          awakeSinceMs: record.awakeSinceMs,
          idleSinceMs: record.idleSinceMs,
          idleMs: idleMsOf(record, model.idleSeconds ?? Infinity),
        },
      ];
    });
  }

  #seen(record: Record, isAwake: boolean): void {
    if (isAwake && !record.wasAwake) {
      record.awakeSinceMs = this.#now();
      // A load takes time in which nobody could use it.
      record.idleSinceMs = this.#now();
    }
    // What is asleep, or has crashed, is not closing any more.
    if (!isAwake && record.wasAwake) {
      record.closedBy = undefined;
      record.isUnloaded = false;
      // What waited for a place there begins to wait for memory only now: others have waited for that.
      if (record.waitingSinceMs !== undefined) record.waitingSinceMs = this.#now();
    }
    record.wasAwake = isAwake;
  }
}

function idleMsOf({ isUnloaded, keepAliveSeconds }: Record, idleSeconds: number): number {
  if (isUnloaded) return 0;
  const seconds = keepAliveSeconds ?? idleSeconds;
  return seconds < 0 ? Infinity : seconds * 1000;
}

function tooLarge(bytes: number, mostBytes: number): string {
  return (
    `it needs ${formatBytes(bytes)} of memory, and there are ${formatBytes(Math.max(0, mostBytes))} for it. ` +
    "Lower spec.engine.contextTokens (--context) or spec.engine.slots (--slots), or raise --memory."
  );
}
