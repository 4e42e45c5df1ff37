/**
 * All requests, one loop: admit, step, tell.
 *
 * A step is one batch: every generation that holds a slot evaluates one token or a chunk of its prompt. Between two
 * steps nothing is evaluated, so slots can be cut, copied and given away; whoever is cancelled leaves at the next step,
 * and a step that nobody waits for any more is abandoned.
 */
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { Failure, type FailureData } from "@localmodel/inference/failure.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import type { Constraints } from "../constraint/constraints.ts";
import type { Guide } from "../constraint/guide.ts";
import { CancelledError } from "./cancelled-error.ts";
import { composeStep } from "./compose.ts";
import type { Drafter } from "./drafter.ts";
import { type DecodedStep, Drafting } from "./drafting.ts";
import { Generation } from "./generation.ts";
import { audioTokensOf, Job } from "./job.ts";
import { Outbox } from "./outbox.ts";
import { FIRST_TOKENS, type Load, Pace } from "./pace.ts";
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { EngineEvent } from "../protocol.ts";
import { nextInLine } from "./queue.ts";
import { readBack } from "./read-back.ts";
import { choiceSeed } from "./seeds.ts";
import { isWorthWaitingFor, type KeptFiles, type Running, type Slot, Slots } from "./slots.ts";
import { atOnce, type InTurn } from "./turns.ts";
import type { Run, StepContext } from "./step-context.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

type SchedulerOptions = {
  readonly context: StepContext;
  /** Of each slot. */
  readonly contextTokens: number;
  readonly vocabulary: Vocabulary;
  /** Tokens that end an answer. */
  readonly ends: ReadonlySet<number>;
  /** Throws the signal's reason once it is aborted. */
  readonly encode: (request: GenerateRequest, signal: AbortSignal) => Promise<EncodedPrompt[]>;
  readonly constraints: Pick<Constraints, "prepare">;
  /** Tokens that each slot guesses at a time, at most. Default: none. */
  readonly draftTokens?: number;
  /** How many of these are worth it. Default: as many as pay by the clock. */
  readonly drafting?: SomeDrafting;
  /** A model that says what may follow. Default: none. */
  readonly drafter?: Pick<Drafter, "propose"> | undefined;
  /** What states of beginnings that no slot holds may take. Default: none are kept. */
  readonly keptStatesBytes?: number;
  /** States that outlive the process. Default: none do. */
  readonly keptFiles?: KeptFiles | undefined;
  /** Contexts that share processors step in turn. Default: whenever they like. */
  readonly inTurn?: InTurn;
  readonly send: (events: readonly EngineEvent[]) => void;
  /** Told of what nobody foresaw; it may end the process. */
  readonly onBroken: (error: unknown, inARow: number) => void;
};

type SomeDrafting = Pick<
  Drafting,
  "lengths" | "modelChance" | "modelLength" | "observeModel" | "record"
>;

/** What one slot evaluates in a step. */
type Part = { readonly slot: Slot; readonly run: Run };

/** A step: who evaluates what. */
type Step = {
  readonly parts: readonly Part[];
  readonly load: Load;
  /** Tokens and guesses of all. */
  readonly rows: number;
  /** Those that are no guesses. */
  readonly certainRows: number;
  readonly draft: DecodedStep["draft"];
};

/** What went wrong in a step, by slot. */
type Failures = Map<Slot, unknown>;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #slots: Slots;
  readonly #pace: Pace;
  readonly #drafting: SomeDrafting;
  /** In order of arrival; a job stays until its last choice has finished. */
  readonly #jobs = new Map<number, Job>();
  readonly #encoding = new Map<number, AbortController>();
  readonly #outbox: Outbox;
  /** Of the step that is being evaluated. */
  #abandon = new AbortController();
  #looping = false;
  #brokenSteps = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#drafting = options.drafting ?? new Drafting();
    this.#pace = new Pace(options.context.batchTokens);
    this.#outbox = new Outbox(options.send);
    const { context, keptStatesBytes: bytes = 0, keptFiles: files } = options;
    this.#slots = new Slots(context, { bytes, files });
  }

  async generate(id: number, request: GenerateRequest): Promise<void> {
    const cancellation = new AbortController();
    const receivedMs = epochMs();
    this.#encoding.set(id, cancellation);
    try {
      const prompts = await this.#options.encode(request, cancellation.signal);
      const guide = await this.#guides(request);
      cancellation.signal.throwIfAborted();
      const job = new Job(id, request, { prompts, guide });
      this.#jobs.set(id, job);
      const { promptTokens } = job;
      const engine = { receivedMs, processId: process.pid };
      const told = {
        ...(request.reportsPrompts === true && {
          prompts: prompts.map((prompt) => readBack(prompt, this.#options.vocabulary)),
        }),
        ...(request.reportsTimes === true && { engine }),
      };
      this.#put(job, {
        type: "accepted",
        promptTokens,
        ...audioTokensOf(job.prompts),
        ...told,
      });
      this.#wake();
    } catch (error) {
      if (!cancellation.signal.aborted) this.#options.send([{ id, failure: failureOf(error) }]);
    } finally {
      this.#encoding.delete(id);
    }
  }

  async #guides({ constraint }: GenerateRequest): Promise<(() => Guide) | undefined> {
    return constraint === undefined ? undefined : this.#options.constraints.prepare(constraint);
  }

  /**
   * Touches all weights once: the first evaluation after loading takes many times as long as any later
   * one. Requests that arrive meanwhile wait for it as they would have anyway.
   */
  async warmUp(): Promise<void> {
    if (this.#looping) return;
    this.#looping = true;
    const { context, inTurn = atOnce } = this.#options;
    const sequence = context.sequences - 1;
    const evaluate = (tokens: number): Promise<number> =>
      inTurn(async () => {
        const before = performance.now();
        const run = { sequence, position: 0, tokens: Array.from({ length: tokens }, () => 0) };
        await context.evaluate([{ ...run, outputs: "last" }]);
        context.keep(sequence, 0);
        return performance.now() - before;
      });
    try {
      await evaluate(1);
      // From the second time on it tells what a step costs.
      const decode = { decoding: 1, waiting: 0, promptTokens: 0 };
      this.#pace.record({ ...decode, durationMs: await evaluate(1) });
      const most = Math.min(context.batchTokens, this.#options.contextTokens - 1);
      const promptTokens = Math.min(FIRST_TOKENS.alone, most);
      const prompt = { decoding: 0, waiting: 1, promptTokens };
      this.#pace.record({ ...prompt, durationMs: await evaluate(promptTokens) });
    } catch (error) {
      this.#options.onBroken(error, Number.POSITIVE_INFINITY);
    }
    await this.#loop();
  }

  cancel(id: number): void {
    this.#encoding.get(id)?.abort(new CancelledError());
    this.#jobs.delete(id);
    this.#abandonUnwanted();
  }

  /** Ends the evaluation that nobody waits for any more; in company the others' is worth its while. */
  #abandonUnwanted(): void {
    const wanted = this.#slots.running.some(({ running }) => this.#isWanted(running));
    if (!wanted) this.#abandon.abort();
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

  /** Gives free slots to waiting choices. */
  async #admit(): Promise<void> {
    for (;;) {
      const job = nextInLine([...this.#jobs.values()].filter((one) => !this.#waitsForSibling(one)));
      if (job === undefined) return;
      const { choice, prompt } = job.next;
      const slot = await this.#slots.take(job, prompt);
      if (slot === undefined) return;
      const cachedTokens = slot.tokens.length;
      job.started(cachedTokens);
      const generation = this.#generation(slot, job, { prompt, choice });
      slot.running = { job, prompt, generation, begun: false, prefilled: false };
      this.#put(job, { type: "started", choice, cachedTokens });
    }
  }

  /** Choices of one prompt begin together, when it has been evaluated once. */
  #waitsForSibling(job: Job): boolean {
    if (job.unstarted === 0 || job.running === 0) return false;
    const { prompt } = job.next;
    if (!isWorthWaitingFor(prompt)) return false;
    return this.#slots.running.some(
      ({ running }) => running?.prompt === prompt && running.generation.remainingPrompt > 0,
    );
  }

  #generation(
    slot: Slot,
    { request, guide }: Job,
    { prompt, choice }: { readonly prompt: EncodedPrompt; readonly choice: number },
  ): Generation {
    const { context, contextTokens, vocabulary, ends, draftTokens = 0 } = this.#options;
    const sample = choice % request.choicesPerPrompt;
    return new Generation({
      choice,
      request,
      prompt,
      seed: choiceSeed(request.sampling.seed, sample),
      context,
      sequence: slot.number,
      cachedTokens: slot.tokens.length,
      contextTokens,
      vocabulary,
      ends,
      guide: guide?.(),
      // Where a sequence cannot be cut, what was guessed wrong stays in it.
      draftTokens: context.cutsAnywhere ? draftTokens : 0,
    });
  }

  async #step(slots: readonly Slot[]): Promise<void> {
    const { inTurn = atOnce, drafter } = this.#options;
    const draft = drafter && (await inTurn(() => this.#draft(slots, drafter)));
    const step = { ...this.#composed(slots), draft };
    this.#outbox.sendPressing(this.#pace.decodeMs);
    const failures = await inTurn(() => this.#evaluate(step));
    this.#tell(slots, failures);
  }

  /** Asks the draft model what may follow, where that pays and nothing was written before that says it better. */
  async #draft(
    slots: readonly Slot[],
    drafter: Pick<Drafter, "propose">,
  ): Promise<DecodedStep["draft"]> {
    const { draftTokens = 0 } = this.#options;
    if (slots.some(({ running }) => isReading(running))) return undefined;
    const most = this.#drafting.modelLength(slots.length, draftTokens);
    if (most === 0) return undefined;
    const chance = this.#drafting.modelChance;
    const asked = slots.flatMap(({ number: sequence, tenant, running }) => {
      const generation = running?.generation;
      const draftable = generation?.draftable;
      if (generation === undefined || draftable === undefined) return [];
      const { tokens, left } = draftable;
      if (generation.guesser.likelihood(left) >= chance) return [];
      return [{ generation, sequence, tenant, tokens, most: Math.min(most, left) }];
    });
    if (asked.length === 0) return undefined;
    this.#abandon = new AbortController();
    this.#abandonUnwanted();
    const { proposals, tokens, writingMs } = await drafter.propose(asked, this.#abandon.signal);
    const observe = (right: boolean): void => this.#drafting.observeModel(right);
    for (const [index, { generation }] of asked.entries()) {
      generation.guesser.offer({ tokens: proposals[index] ?? [], chance, observe });
    }
    return { tokens, durationMs: writingMs };
  }

  #composed(slots: readonly Slot[]): Omit<Step, "draft"> {
    const { context } = this.#options;
    const needs = slots.flatMap(({ running }) => running?.generation.need ?? []);
    const decoding = needs.filter(({ prompt }) => prompt === 0).length;
    const load = { decoding, waiting: needs.length - decoding };
    const limits = { batchTokens: context.batchTokens, outputs: context.outputsMax };
    const budget = this.#pace.promptBudget(load);
    const tokens = composeStep(needs, { promptTokens: budget, ...limits });
    const drafts = this.#drafting.lengths(needs, tokens, limits);
    const runs = slots.map(({ running }, index) =>
      running?.generation.next(tokens[index] ?? 0, drafts[index]),
    );
    const parts = slots.flatMap((slot, index): Part[] => {
      const run = runs[index];
      return run === undefined ? [] : [{ slot, run }];
    });
    const rows = parts.reduce((sum, { run }) => sum + run.tokens.length, 0);
    const guesses = drafts.reduce((sum, length) => sum + length, 0);
    return { parts, load, rows, certainRows: rows - guesses };
  }

  /** Evaluates, sends what has waited for it, and lets every generation take what it needs of the outputs. */
  async #evaluate({ parts, load, rows, certainRows, draft }: Step): Promise<Failures> {
    const { context } = this.#options;
    const failures: Failures = new Map();
    let indexes: readonly number[] | undefined;
    this.#abandon = new AbortController();
    this.#abandonUnwanted();
    const before = performance.now();
    try {
      const runs = parts.map(({ run }) => run);
      indexes = await context.evaluate(runs, this.#abandon.signal);
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
    if (rows === certainRows) {
      this.#pace.record({ ...load, promptTokens: rows - load.decoding, durationMs });
    }
    let settledRows = 0;
    for (const [position, part] of parts.entries()) {
      try {
        settledRows += this.#settle(part, indexes[position] ?? 0);
      } catch (error) {
        failures.set(part.slot, error);
      }
    }
    if (load.waiting === 0) {
      const wholeMs = performance.now() - before;
      this.#drafting.record({ rows, certainRows, settledRows, durationMs: wholeMs, draft });
    }
    return failures;
  }

  /** Returns how many rows are the text's. */
  #settle({ slot, run }: Part, index: number): number {
    const settled = slot.running?.generation.settle(run, index) ?? 0;
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
    const { job, generation } = running;
    if (job.request.reportsTimes === true && !running.prefilled) this.#tellPrefilled(running);
    const events = generation.events();
    for (const event of events) {
      const isDelta = event.type === "delta";
      const canWait = isDelta && running.begun;
      if (event.type === "finish") this.#put(job, { ...event, ...finishOf(running) });
      else this.#outbox.put({ id: job.id, event }, { canWait });
      running.begun ||= isDelta;
    }
    if (events.at(-1)?.type !== "finish") return;
    job.finished(generation);
    this.#slots.release(slot);
    if (!job.complete) return;
    this.#jobs.delete(job.id);
    this.#outbox.put({ id: job.id, event: { type: "done", usage: job.usage } });
  }

  #tellPrefilled(running: Running): void {
    const { job, generation } = running;
    if (generation.remainingPrompt > 0) return;
    running.prefilled = true;
    const { choice, promptChunks: chunks, evaluatedTokens } = generation;
    const event = { type: "prefilled", choice, chunks, evaluatedTokens, atMs: epochMs() } as const;
    // It goes with the first token.
    this.#outbox.put({ id: job.id, event }, { canWait: true });
  }

  #put({ id, request }: Job, event: GenerateEvent): void {
    const told = request.reportsTimes === true ? { ...event, atMs: epochMs() } : event;
    this.#outbox.put({ id, event: told });
  }

  /** What a failed step left in the slot's cache is not to be trusted. A refusal is no fault of the engine. */
  #fail(slot: Slot, job: Job, failure: unknown): void {
    if (!(failure instanceof Failure)) this.#options.onBroken(failure, this.#brokenSteps);
    if (this.#jobs.delete(job.id)) this.#outbox.put({ id: job.id, failure: failureOf(failure) });
    this.#slots.release(slot);
    this.#slots.keep(slot, 0);
  }
}

function finishOf({ job, generation: { completionTokens } }: Running) {
  return job.request.reportsTimes === true ? { completionTokens } : {};
}

/** Anything that is not meant for the client is told as the engine's failure. */
function failureOf(error: unknown): FailureData {
  if (error instanceof Failure) return error.data;
  return engineFailed("The engine failed to process this request.").data;
}

function isReading(running: Running | undefined): boolean {
  return running !== undefined && running.generation.remainingPrompt > 0;
}
