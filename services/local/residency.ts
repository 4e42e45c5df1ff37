/**
 * The models that share this machine's memory, as they are now: what decideResidence needs to know of each.
 *
 * It remembers what no single look at a server tells: since when somebody waits for it, uses it or does not, and which
 * of those that go to sleep the API service has been told of.
 */
import type { Demand } from "@localmodel/localmodel/contracts/directory.ts";
import type { Stay } from "@localmodel/localmodel/contracts/stay.ts";
import { formatBytes } from "@localmodel/weights/progress/units.ts";
import type { Memory } from "./desired/memory.ts";
import { type Placeable, placed, PROCESS_BYTES } from "./desired/placement.ts";
import { decideResidence, mostMemory, type Residence } from "./desired/residence.ts";
import type { Resident } from "./desired/resident.ts";
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

type Options = {
  /** GPUs are known later than the models that stay. */
  readonly budget: () => Memory;
  readonly turnMs: number;
};

export class Residency {
  readonly #options: Options;
  readonly #now: () => number;
  readonly #records = new Map<ModelRun, Record>();
  #knownDirectory = 0;

  constructor(options: Options, now: () => number = () => performance.now()) {
    this.#options = options;
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
    const { budget, turnMs } = this.#options;
    return decideResidence(this.#residents(), { budget: budget(), turnMs }, this.#now());
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
    const tooLarge = this.#whyTooLarge(run);
    if (tooLarge !== undefined) return { ...known, state: "failed", message: tooLarge };
    if (record.waitingSinceMs === undefined) return view;
    return { ...known, state: "asleep", message: "it waits for memory that other models use" };
  }

  /** How long a run stays in memory, by what decide() goes by. */
  stayOf(run: ModelRun): Stay | undefined {
    const record = this.#records.get(run);
    if (record === undefined) return undefined;
    const idleMs = stays(run) ? Infinity : idleMsOf(record, run.model.idleSeconds ?? Infinity);
    if (idleMs === Infinity) return "always";
    const idleForMs = this.#now() - record.idleSinceMs;
    return { idleSeconds: idleMs / 1000, usedAtMs: Math.round(Date.now() - idleForMs) };
  }

  #whyTooLarge({ number }: ModelRun): string | undefined {
    const residents = this.#residents();
    const memory = residents.find((one) => one.number === number)?.memory;
    return memory && whyTooLarge(memory, mostMemory(residents, this.#options.budget()));
  }

  /** Beside those that stay, which had the GPUs first. */
  #memories(): ReadonlyMap<ModelRun, Memory> {
    const { deviceBytes: ofBytes } = this.#options.budget();
    let leftBytes = ofBytes;
    const memories = new Map<ModelRun, Memory>();
    const runs = [...this.#records.keys()];
    for (const run of runs.filter(stays)) {
      if (run.needs === undefined) continue;
      const memory = stayingMemory(run, run.needs, leftBytes);
      memories.set(run, memory);
      leftBytes -= memory.deviceBytes;
    }
    for (const run of runs.filter((one) => !stays(one))) {
      if (run.needs !== undefined) memories.set(run, placed(run.needs, leftBytes, ofBytes));
    }
    return memories;
  }

  #residents(): readonly Resident[] {
    const memories = this.#memories();
    return [...this.#records].flatMap(([run, record]) => {
      const { phase, number, model } = run;
      const memory = memories.get(run);
      if (phase === "absent" || memory === undefined) return [];
      this.#seen(record, phase === "awake");
      const { closedBy } = record;
      return [
        {
          number,
          memory,
          stays: stays(run),
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

function stays({ model }: ModelRun): boolean {
  return model.idleSeconds === undefined;
}

/** Its server chooses the context by what is free, so what it has taken is known only then. No more than there is. */
function stayingMemory({ view }: ModelRun, needs: Placeable, leftBytes: number): Memory {
  const planned = placed(needs, leftBytes);
  const { vram = 0 } = view.facts?.memoryBytes ?? {};
  const takenBytes = vram === 0 ? 0 : vram + PROCESS_BYTES;
  const deviceBytes = Math.min(leftBytes, Math.max(planned.deviceBytes, takenBytes));
  return { ...planned, deviceBytes };
}

function whyTooLarge(needed: Memory, most: Memory): string | undefined {
  if (needed.ramBytes > most.ramBytes) {
    return (
      `it needs ${formatBytes(needed.ramBytes)} of memory, and there are ${formatBytes(Math.max(0, most.ramBytes))} for it. ` +
      "Lower spec.engine.contextTokens (--context) or spec.engine.slots (--slots), or raise --memory."
    );
  }
  if (needed.deviceBytes <= most.deviceBytes) return undefined;
  return (
    `it needs ${formatBytes(needed.deviceBytes)} of GPU memory, and there are ${formatBytes(most.deviceBytes)} for it. ` +
    "Lower spec.engine.gpuLayers (--gpu-layers), or leave it out."
  );
}
