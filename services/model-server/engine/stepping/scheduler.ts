/**
 * All requests, one loop: admit, step, tell.
 *
 * A step is one batch: every generation that holds a slot and has the step's adapter evaluates one token or a chunk of its
 * prompt. Between two steps nothing is evaluated, so slots can be cut, copied and given away; whoever is cancelled leaves at
 * the next step, and a step that nobody waits for any more is abandoned.
 */
import { Failure } from "@localmodel/inference/failure.ts";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import type { Constraints } from "../constraint/constraints.ts";
import type { Guide } from "../constraint/guide.ts";
import { admit, type Generating } from "./admit.ts";
import { AdapterTurns } from "./adapter-turns.ts";
import { cacheOwner } from "./cache-owner.ts";
import { CancelledError } from "./cancelled-error.ts";
import { drafted } from "./drafted.ts";
import type { Drafter } from "./drafter.ts";
import { type DecodedStep, Drafting } from "./drafting.ts";
import { Job } from "./job.ts";
import { Outbox } from "./outbox.ts";
import { Pace } from "./pace.ts";
import { Preparations } from "./preparations.ts";
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { EngineEvent } from "../protocol.ts";
import { nextInLine } from "./queue.ts";
import { type KeptFiles, type Running, type Slot, Slots } from "./slots.ts";
import {
  composedOf,
  learnFrom,
  type Part,
  type SomeDrafting,
  type Step,
  type Steering,
} from "./step.ts";
import { failureOf, Telling } from "./telling.ts";
import { warmUp } from "./warm-up.ts";

type SchedulerOptions = Generating & {
  /** Throws the signal's reason once it is aborted. */
  readonly encode: (request: GenerateRequest, signal: AbortSignal) => Promise<EncodedPrompt[]>;
  readonly constraints: Pick<Constraints, "prepare">;
  /** Of the adapters that may be asked for, by their ids: what tells one from another. */
  readonly adapters?: ReadonlyMap<string, string>;
  /** How many guesses are worth it. Default: as many as pay by the clock. */
  readonly drafting?: SomeDrafting;
  /** A model that says what may follow. Default: none. */
  readonly drafter?: Pick<Drafter, "propose"> | undefined;
  /** What states of beginnings that no slot holds may take. Default: none are kept. */
  readonly keptStatesBytes?: number;
  /** States that outlive the process. Default: none do. */
  readonly keptFiles?: KeptFiles | undefined;
  /** Told of every step while it is evaluated. */
  readonly watched?: <Result>(step: () => Promise<Result>) => Promise<Result>;
  readonly send: (events: readonly EngineEvent[]) => void;
  /** Told of what nobody foresaw; it may end the process. */
  readonly onBroken: (error: unknown, inARow: number) => void;
};

/** What went wrong in a step, by slot. */
type Failures = Map<Slot, unknown>;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #slots: Slots;
  readonly #steering: Steering;
  readonly #turns = new AdapterTurns();
  /** In order of arrival; a job stays until its last choice has finished. */
  readonly #jobs = new Map<number, Job>();
  readonly #preparations = new Preparations();
  readonly #outbox: Outbox;
  readonly #telling: Telling;
  /** Of the step that is being evaluated, and whose it is. */
  #abandon = new AbortController();
  #stepping: readonly Slot[] = [];
  #looping = false;
  #brokenSteps = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { context, keptStatesBytes: bytes = 0, keptFiles: files } = options;
    this.#steering = {
      pace: new Pace(context.batchTokens),
      drafting: options.drafting ?? new Drafting(),
    };
    this.#outbox = new Outbox(options.send);
    this.#telling = new Telling(this.#outbox);
    this.#slots = new Slots(context, { bytes, files });
  }

  async generate(id: number, request: GenerateRequest): Promise<void> {
    const receivedMs = epochMs();
    try {
      await this.#preparations.during(id, async (signal) => {
        const prompts = await this.#options.encode(request, signal);
        const guide = await this.#guides(request);
        signal.throwIfAborted();
        const job = new Job(id, request, { prompts, guide, owner: this.#ownerOf(request) });
        const { prompt, sight } = job.next;
        const looking = sight === undefined ? {} : { lookingMs: epochMs() };
        // Whoever cannot be looked at is refused before anything is said to be accepted.
        if (sight !== undefined) await sight.look(this.#slots.reusable(job, prompt), signal);
        this.#jobs.set(id, job);
        this.#telling.accepted(job, this.#options.vocabulary, { receivedMs, ...looking });
      });
      this.#wake();
    } catch (error) {
      if (!(error instanceof CancelledError))
        this.#options.send([{ id, failure: failureOf(error) }]);
    }
  }

  /** At all that it shows, which no slot can take away again. */
  async #lookAgain(job: Job): Promise<void> {
    const { sight } = job.next;
    job.isLooking = true;
    try {
      await this.#preparations.during(job.id, async (signal) => sight?.look(0, signal));
      // Another of its choices may have failed meanwhile.
      if (!this.#jobs.has(job.id)) job[Symbol.dispose]();
    } catch (error) {
      if (error instanceof CancelledError) return;
      if (this.#jobs.delete(job.id)) this.#telling.failed(job, error);
    } finally {
      job.isLooking = false;
    }
    this.#wake();
  }

  #ownerOf({ tenant, adapter }: GenerateRequest): string {
    if (adapter === undefined) return cacheOwner(tenant);
    const fingerprint = this.#options.adapters?.get(adapter);
    if (fingerprint === undefined) throw new Error(`The engine has no adapter "${adapter}"`);
    return cacheOwner(tenant, fingerprint);
  }

  async #guides({ constraint }: GenerateRequest): Promise<(() => Guide) | undefined> {
    return constraint === undefined ? undefined : this.#options.constraints.prepare(constraint);
  }

  /** Requests that arrive meanwhile wait for it as they would have anyway. */
  async warmUp(): Promise<void> {
    if (this.#looping) return;
    this.#looping = true;
    const { context, contextTokens, onBroken } = this.#options;
    try {
      const { pace } = this.#steering;
      await warmUp({ context, contextTokens, pace }, (step) => this.#watched(step));
    } catch (error) {
      onBroken(error, Number.POSITIVE_INFINITY);
    }
    await this.#loop();
  }

  #watched<Result>(step: () => Promise<Result>): Promise<Result> {
    const { watched } = this.#options;
    return watched === undefined ? step() : watched(step);
  }

  cancel(id: number): void {
    this.#preparations.cancel(id);
    this.#jobs.get(id)?.[Symbol.dispose]();
    this.#jobs.delete(id);
    this.#abandonUnwanted();
  }

  /** Ends the evaluation that nobody waits for any more; in company the others' is worth its while. */
  #abandonUnwanted(): void {
    const wanted = this.#stepping.some(({ running }) => this.#isWanted(running));
    if (!wanted) this.#abandon.abort();
  }

  /** For what is evaluated from now on. */
  #abandonable(): AbortSignal {
    this.#abandon = new AbortController();
    this.#abandonUnwanted();
    return this.#abandon.signal;
  }

  #isWanted(running: Running | undefined): boolean {
    return running !== undefined && this.#jobs.has(running.job.id);
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    try {
      for (;;) {
        this.#releaseCancelled();
        await this.#admit();
        const { running } = this.#slots;
        // A request may have arrived since slots were given out.
        if (running.length > 0) await this.#step(running);
        else if (nextInLine(this.#jobs.values()) === undefined) {
          this.#outbox.sendAll();
          // A request that arrives meanwhile waits until a state is copied, not until it is written.
          const saved = await this.#slots.saveIdle();
          if (saved !== undefined) void saved.written.then(() => this.#wake());
          if (nextInLine(this.#jobs.values()) === undefined) break;
        }
      }
    } catch (error) {
      this.#options.onBroken(error, Number.POSITIVE_INFINITY);
    } finally {
      this.#looping = false;
      this.#outbox.sendAll();
    }
  }

  #wake(): void {
    if (!this.#looping) void this.#loop();
  }

  #releaseCancelled(): void {
    for (const slot of this.#slots.running) {
      if (!this.#isWanted(slot.running)) this.#slots.release(slot);
    }
  }

  #admit(): Promise<void> {
    const onStarted = (job: Job, choice: number, cachedTokens: number): void =>
      this.#telling.started(job, choice, cachedTokens);
    const onLacking = (job: Job): void => void this.#lookAgain(job);
    return admit({ jobs: this.#jobs, slots: this.#slots, onStarted, onLacking }, this.#options);
  }

  /** One batch of all that have the adapter whose turn it is. */
  async #step(running: readonly Slot[]): Promise<void> {
    const { context } = this.#options;
    const adapter = this.#turns.next(new Set(running.map(adapterOf)), performance.now());
    const slots = running.filter((slot) => adapterOf(slot) === adapter);
    this.#stepping = slots;
    const draft = await this.#drafted(slots);
    const step = composedOf(slots, context, this.#steering);
    this.#outbox.sendPressing(this.#steering.pace.stepMs(step.load));
    context.use(adapter);
    const failures = await this.#watched(() => this.#evaluate(step, draft));
    this.#tell(slots, failures);
  }

  async #drafted(slots: readonly Slot[]): Promise<DecodedStep["draft"]> {
    const { drafter, draftTokens = 0 } = this.#options;
    if (drafter === undefined) return undefined;
    const asked = { drafter, draftTokens, drafting: this.#steering.drafting };
    return this.#watched(() => drafted(slots, asked, this.#abandonable()));
  }

  /** Evaluates, sends what has waited for it, and lets every generation take what it needs of the outputs. */
  async #evaluate(step: Step, draft: DecodedStep["draft"]): Promise<Failures> {
    const { context } = this.#options;
    const { parts } = step;
    const failures: Failures = new Map();
    let indexes: readonly number[] | undefined;
    const signal = this.#abandonable();
    const before = performance.now();
    try {
      const runs = parts.map(({ run }) => run);
      indexes = await context.evaluate(runs, signal);
    } catch (error) {
      for (const { slot } of parts) failures.set(slot, error);
      return failures;
    } finally {
      this.#outbox.sendAll();
    }
    if (indexes === undefined) {
      for (const { slot } of parts) this.#slots.forgetRest(slot);
      return failures;
    }
    const durationMs = performance.now() - before;
    let settledRows = 0;
    for (const [position, part] of parts.entries()) {
      try {
        settledRows += this.#settle(part, indexes[position] ?? 0);
      } catch (error) {
        failures.set(part.slot, error);
      }
    }
    const wholeMs = performance.now() - before;
    learnFrom(step, { durationMs, wholeMs, settledRows, draft }, this.#steering);
    return failures;
  }

  /** Returns how many rows are the text's. */
  #settle({ slot, run }: Part, index: number): number {
    const { generation, sighted } = slot.running ?? {};
    const settled = generation?.settle(run, index) ?? 0;
    if (generation?.remainingPrompt === 0) sighted?.[Symbol.dispose]();
    for (const token of run.tokens.slice(0, settled)) slot.tokens.push(token);
    if (settled < run.tokens.length) this.#slots.forgetRest(slot);
    return settled;
  }

  #tell(slots: readonly Slot[], failures: Failures): void {
    const isBroken = [...failures.values()].some((failure) => !(failure instanceof Failure));
    this.#brokenSteps = isBroken ? this.#brokenSteps + 1 : 0;
    for (const slot of slots) {
      if (slot.running === undefined) continue;
      if (failures.has(slot)) this.#fail(slot, slot.running.job, failures.get(slot));
      else if (this.#jobs.has(slot.running.job.id)) this.#progress(slot, slot.running);
    }
  }

  #progress(slot: Slot, running: Running): void {
    if (!this.#telling.progress(running)) return;
    const { job, generation } = running;
    job.finished(generation);
    this.#slots.release(slot);
    if (!job.complete) return;
    this.#jobs.delete(job.id);
    this.#telling.done(job);
  }

  /** What a failed step left in the slot's cache is not to be trusted. A refusal is no fault of the engine. */
  #fail(slot: Slot, job: Job, failure: unknown): void {
    if (!(failure instanceof Failure)) this.#options.onBroken(failure, this.#brokenSteps);
    if (this.#jobs.delete(job.id)) this.#telling.failed(job, failure);
    job[Symbol.dispose]();
    this.#slots.release(slot);
    this.#slots.keep(slot, 0);
  }
}

/** Undefined is the model as it is. */
function adapterOf({ running }: Slot): string | undefined {
  return running?.job.request.adapter;
}
