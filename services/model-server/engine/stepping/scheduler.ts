/**
 * All requests, one loop: admit, step, tell.
 *
 * A step is one batch: every generation that holds a slot evaluates one token or a chunk of its prompt,
 * and the loop waits for all of them. That lockstep is what the library needs to serve many requests:
 * all sequences queue in the same turn, so batches are always full; and between two steps nothing is
 * queued, so its context lock is free for erasing and reusing slots, which would otherwise wait until
 * the last stream ends. Whoever is cancelled leaves at the next step.
 */
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { Failure, type FailureData } from "@localmodel/inference/failure.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import { CancelledError } from "./cancelled-error.ts";
import { Generation } from "./generation.ts";
import { Job } from "./job.ts";
import { Outbox } from "./outbox.ts";
import { Pace, shareBudget } from "./pace.ts";
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { EngineEvent } from "../protocol.ts";
import { nextInLine } from "./queue.ts";
import { choiceSeed } from "./seeds.ts";
import type { Sequence } from "./sequence.ts";
import { chooseSlot, commonPrefix } from "./slot-choice.ts";
import { atOnce, type InTurn } from "./turns.ts";
import { explainTokens, type Failures, runStep } from "./step.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

type SchedulerOptions = {
  readonly sequences: readonly Sequence[];
  readonly contextTokens: number;
  readonly batchTokens: number;
  readonly vocabulary: Vocabulary;
  readonly isEnd: (token: number) => boolean;
  /** Throws the signal's reason once it is aborted. */
  readonly encode: (request: GenerateRequest, signal: AbortSignal) => Promise<EncodedPrompt[]>;
  /** Contexts that share processors step in turn. Default: whenever they like. */
  readonly inTurn?: InTurn;
  readonly send: (events: readonly EngineEvent[]) => void;
  /** Told of what nobody foresaw; it may end the process. */
  readonly onBroken: (error: unknown, inARow: number) => void;
};

type Slot = {
  readonly number: number;
  readonly sequence: Sequence;
  readonly tokens: readonly number[];
  readonly busy: boolean;
  tenant: string;
  lastUse: number;
  running: Running | undefined;
};

type Running = {
  readonly job: Job;
  readonly generation: Generation;
  /** Whether its client has seen the beginning of the answer. */
  begun: boolean;
  /** Whether the end of its prompt has been told. */
  prefilled: boolean;
};

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #slots: readonly Slot[];
  readonly #pace: Pace;
  /** In order of arrival; a job stays until its last choice has finished. */
  readonly #jobs = new Map<number, Job>();
  readonly #encoding = new Map<number, AbortController>();
  readonly #outbox: Outbox;
  #looping = false;
  #uses = 0;
  #brokenSteps = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#pace = new Pace(options.batchTokens);
    this.#outbox = new Outbox(options.send);
    this.#slots = options.sequences.map(slotOf);
  }

  async generate(id: number, request: GenerateRequest): Promise<void> {
    const cancellation = new AbortController();
    const receivedMs = epochMs();
    this.#encoding.set(id, cancellation);
    try {
      const prompts = await this.#options.encode(request, cancellation.signal);
      cancellation.signal.throwIfAborted();
      const job = new Job(id, request, prompts);
      this.#jobs.set(id, job);
      const { promptTokens } = job;
      const engine = { receivedMs, processId: process.pid };
      const told = {
        ...(request.reportsPrompts === true && { prompts: this.#readBack(prompts) }),
        ...(request.reportsTimes === true && { engine }),
      };
      this.#put(job, { type: "accepted", promptTokens, ...told });
      if (!this.#looping) void this.#loop();
    } catch (error) {
      if (!cancellation.signal.aborted) this.#options.send([{ id, failure: failureOf(error) }]);
    } finally {
      this.#encoding.delete(id);
    }
  }

  /** The texts that the tokens stand for, and nothing that has been lost on the way to them. */
  #readBack(prompts: readonly EncodedPrompt[]): string[] {
    const { vocabulary } = this.#options;
    return prompts.map(({ tokens }) => vocabulary.textOf(tokens));
  }

  /**
   * Touches all weights once: the first evaluation after loading takes many times as long as any later
   * one. Requests that arrive meanwhile wait for it as they would have anyway.
   */
  async warmUp(): Promise<void> {
    const sequence = this.#slots.at(-1)?.sequence;
    if (sequence === undefined || this.#looping) return;
    this.#looping = true;
    try {
      await sequence.prefill([0]);
      // The second time tells what a step costs from now on.
      const before = performance.now();
      await sequence.prefill([0]);
      const durationMs = performance.now() - before;
      this.#pace.record({ decoding: 1, waiting: 0, durationMs, promptTokens: 0 });
      await sequence.truncate(0);
    } catch (error) {
      this.#options.onBroken(error, Number.POSITIVE_INFINITY);
    }
    await this.#loop();
  }

  cancel(id: number): void {
    this.#encoding.get(id)?.abort(new CancelledError());
    this.#jobs.delete(id);
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    try {
      for (;;) {
        await this.#releaseCancelled();
        await this.#admit();
        const running = this.#slots.filter((slot) => slot.running !== undefined);
        // A request may have arrived since slots were given out.
        if (running.length > 0) await this.#step(running);
        else if (nextInLine(this.#jobs.values()) === undefined) break;
      }
    } catch (error) {
      this.#options.onBroken(error, Number.POSITIVE_INFINITY);
    } finally {
      this.#looping = false;
      this.#outbox.sendAll();
    }
  }

  async #releaseCancelled(): Promise<void> {
    for (const slot of this.#slots) {
      if (slot.running !== undefined && !this.#jobs.has(slot.running.job.id)) {
        await this.#release(slot);
      }
    }
  }

  /** Gives free slots to waiting choices, and readies the slots' caches for their prompts. */
  async #admit(): Promise<void> {
    for (;;) {
      const job = nextInLine(this.#jobs.values());
      if (job === undefined) return;
      const { choice, prompt } = job.next;
      const { tenant } = job.request;
      const slot = chooseSlot(this.#slots, prompt.tokens, tenant);
      if (slot === undefined) return;
      const cachedTokens = await this.#reuse(slot, job, prompt);
      job.started(cachedTokens);
      slot.tenant = tenant;
      slot.lastUse = ++this.#uses;
      const generation = this.#generation(slot, job, prompt, choice);
      slot.running = { job, generation, begun: false, prefilled: false };
      this.#put(job, { type: "started", choice, cachedTokens });
    }
  }

  /** Keeps what the slot's cache has in common with the prompt, and erases the rest. */
  async #reuse(slot: Slot, { request }: Job, prompt: EncodedPrompt): Promise<number> {
    const scored = request.echo && request.topLogprobs !== undefined;
    const common =
      slot.tenant === request.tenant && !scored ? commonPrefix(slot.tokens, prompt.tokens) : 0;
    // The last token is evaluated in any case: its logits choose the first token of the answer.
    const kept = slot.sequence.keepable(Math.min(common, prompt.tokens.length - 1));
    await slot.sequence.truncate(kept);
    return kept;
  }

  #generation(slot: Slot, job: Job, prompt: EncodedPrompt, choice: number): Generation {
    const { contextTokens, vocabulary, isEnd } = this.#options;
    const { request } = job;
    const sample = choice % request.choicesPerPrompt;
    return new Generation({
      choice,
      request,
      prompt,
      seed: choiceSeed(request.sampling.seed, sample),
      sequence: slot.sequence,
      contextTokens,
      vocabulary,
      isEnd,
      // Not before every slot's choosing is under way.
      onDecoded: () => setImmediate(() => this.#outbox.sendAll()),
    });
  }

  async #step(slots: readonly Slot[]): Promise<void> {
    const generations = slots.flatMap(({ running }) => (running ? [running.generation] : []));
    const remaining = generations.map((generation) => generation.remainingPrompt);
    const decoding = remaining.filter((tokens) => tokens === 0).length;
    const load = { decoding, waiting: remaining.length - decoding };
    const budgets = shareBudget(this.#pace.promptBudget(load), remaining);
    const failures: Failures = new Map();
    const { inTurn = atOnce } = this.#options;
    const shared = inTurn(() => runStep(generations, budgets, failures));
    this.#outbox.sendPressing(this.#pace.decodeMs);
    const measure = await shared;
    this.#outbox.sendAll();
    if (measure !== undefined) this.#pace.record({ ...load, ...measure });
    await inTurn(() => explainTokens(generations, failures));
    await this.#tell(slots, failures);
  }

  async #tell(slots: readonly Slot[], failures: Failures): Promise<void> {
    this.#brokenSteps = failures.size > 0 ? this.#brokenSteps + 1 : 0;
    for (const [index, slot] of slots.entries()) {
      if (slot.running === undefined) continue;
      if (failures.has(index)) await this.#fail(slot, slot.running.job, failures.get(index));
      else if (this.#jobs.has(slot.running.job.id)) await this.#progress(slot, slot.running);
    }
  }

  async #progress(slot: Slot, running: Running): Promise<void> {
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
    job.finished(generation.completionTokens);
    await this.#release(slot);
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

  /** What a failed step left in the slot's cache is not to be trusted. */
  async #fail(slot: Slot, job: Job, failure: unknown): Promise<void> {
    this.#options.onBroken(failure, this.#brokenSteps);
    if (this.#jobs.delete(job.id)) this.#outbox.put({ id: job.id, failure: failureOf(failure) });
    await this.#release(slot);
    await slot.sequence.truncate(0);
  }

  async #release(slot: Slot): Promise<void> {
    const { running } = slot;
    slot.running = undefined;
    await running?.generation.end();
  }
}

function finishOf({ job, generation: { completionTokens } }: Running) {
  return job.request.reportsTimes === true ? { completionTokens } : {};
}

function slotOf(sequence: Sequence): Slot {
  return {
    number: sequence.number,
    sequence,
    tenant: "",
    lastUse: 0,
    running: undefined,
    get tokens() {
      return sequence.tokens;
    },
    get busy() {
      return this.running !== undefined;
    },
  };
}

/** Anything that is not meant for the client is told as the engine's failure. */
function failureOf(error: unknown): FailureData {
  if (error instanceof Failure) return error.data;
  return engineFailed("The engine failed to process this request.").data;
}
