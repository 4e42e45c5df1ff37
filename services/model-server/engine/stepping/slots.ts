/**
 * The slots of a context: what each one's cache holds, and how a prompt comes by the beginning that it has in common with
 * others.
 *
 * A beginning is kept where the slot holds it already, and copied where another slot does or a state was kept of it; only
 * the rest is evaluated. What a slot has to forget is kept as a state. All of it happens between two steps.
 */
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { Generation } from "./generation.ts";
import { type Job, scoresPrompt } from "./job.ts";
import type { Sighted } from "./sight.ts";
import { positionAfter, wholeLength } from "../prompt/picture-rows.ts";
import { chooseSlot, commonPrefix } from "./slot-choice.ts";
import { type KeptState, StateCache } from "./state-cache.ts";
import type { StepContext } from "./step-context.ts";

export type Running = {
  readonly job: Job;
  readonly prompt: EncodedPrompt;
  readonly generation: Generation;
  /** What its prompt shows, until that has been evaluated. Absent: it shows nothing. */
  readonly sighted?: Sighted | undefined;
  /** Whether its client has seen the beginning of the answer. */
  begun: boolean;
  /** Whether the end of its prompt has been told. */
  prefilled: boolean;
};

export type Slot = {
  /** Of its sequence. */
  readonly number: number;
  /** What its cache holds. */
  readonly tokens: number[];
  owner: string;
  lastUse: number;
  running: Running | undefined;
  readonly busy: boolean;
};

/** A beginning in a file, and how much of it is wanted. */
export type FoundFile = {
  readonly tokens: readonly number[];
  readonly length: number;
  /** Throws where the file is gone. */
  readonly read: () => Promise<Uint8Array>;
};

/** States that outlive the process. */
export type KeptFiles = {
  /** Whether these tokens are worth a file now, and have none. */
  wants(owner: string, tokens: readonly number[]): boolean;
  candidates(owner: string, wanted: readonly number[]): readonly FoundFile[];
  save(kept: KeptState): Promise<void>;
};

/** Fewer tokens are evaluated as soon as they are copied. */
const COPY_TOKENS = 32;
/** Fewer that are forgotten are not worth a state. */
const REMEMBERED_TOKENS = 64;
/** A sequence is copied whole: how much longer it may be than what is wanted of it. */
const COPY_EXCESS = 8;

/** A beginning that another place holds: how much of it, and how to get it. */
type Source = {
  readonly tokens: readonly number[];
  readonly length: number;
  /** Puts all of it into a sequence that is empty. */
  readonly copyTo: (sequence: number) => Promise<void>;
};

export class Slots {
  readonly all: readonly Slot[];
  readonly #context: StepContext;
  readonly #states: StateCache;
  readonly #files: KeptFiles | undefined;
  #uses = 0;

  /** `bytes`: what states of forgotten beginnings may take. `files`: for those that are to outlive the process. */
  constructor(
    context: StepContext,
    { bytes, files }: { readonly bytes: number; readonly files?: KeptFiles | undefined },
  ) {
    this.#context = context;
    this.#files = files;
    this.#states = new StateCache(bytes);
    this.all = Array.from({ length: context.sequences }, (_, number) => slotOf(number));
  }

  get running(): readonly Slot[] {
    return this.all.filter(({ busy }) => busy);
  }

  /**
   * A free slot whose cache holds as much of the prompt's beginning as can be had, and nothing else: its `tokens`.
   * Undefined where all are busy.
   */
  async take(job: Job, prompt: EncodedPrompt): Promise<Slot | undefined> {
    const { owner } = job;
    const slot = chooseSlot(this.all, prompt.tokens, owner);
    if (slot === undefined) return undefined;
    const { own, source } = this.#beginning(slot, job, prompt);
    await this.#remember(slot, source === undefined ? own : 0);
    if (source === undefined) this.keep(slot, own);
    else await this.#copy(source, slot);
    slot.owner = owner;
    slot.lastUse = ++this.#uses;
    return slot;
  }

  /** As much of the prompt's beginning as could be had now, if its model can go back there. Nothing is done for it. */
  reusable(job: Job, prompt: EncodedPrompt): number {
    const slot = chooseSlot(this.all, prompt.tokens, job.owner);
    const { own, source } = this.#beginning(slot, job, prompt);
    return source?.length ?? own;
  }

  /** What the slot holds of it, and who holds enough more. */
  #beginning(slot: Slot | undefined, job: Job, { tokens }: EncodedPrompt) {
    const { request, owner } = job;
    // Where prompts are scored every token is evaluated.
    if (scoresPrompt(request)) return { own: 0, source: undefined };
    // Further choices take over what was evaluated for the first.
    if (request.usesPromptCache === false && job.isAtNewPrompt)
      return { own: 0, source: undefined };
    // So is the last one in any case: its logits choose the first token of the answer.
    const wanted = tokens.slice(0, -1);
    const own = slot?.owner === owner ? sharedLength(slot.tokens, wanted) : 0;
    return { own, source: this.#source(wanted, owner, own) };
  }

  /** Forgets all but the first `length` tokens; more where the model cannot go back there. */
  keep(slot: Slot, length: number): void {
    if (length < slot.tokens.length || length === 0) this.#cut(slot, length);
  }

  /** What an evaluation that did not end has put behind the slot's tokens, and what was evaluated of a picture only. */
  forgetRest(slot: Slot): void {
    this.#cut(slot, wholeLength(slot.tokens, slot.tokens.length));
  }

  #cut({ number, tokens }: Slot, length: number): void {
    const position = positionAfter(tokens, length);
    tokens.length = this.#context.keep(number, position) === position ? length : 0;
  }

  /**
   * While there is nothing else to do: puts what a slot or memory holds into a file. Resolves when it is copied, to a promise
   * of the file; to undefined where nothing is left to be put there.
   */
  async saveIdle(): Promise<{ readonly written: Promise<void> } | undefined> {
    const files = this.#files;
    if (files === undefined) return undefined;
    try {
      const kept = (await this.#unsavedInSlot(files)) ?? this.#unsavedInMemory(files);
      return kept && { written: files.save(kept) };
    } catch {
      // What cannot be saved is evaluated again.
      return undefined;
    }
  }

  async #unsavedInSlot(files: KeptFiles): Promise<KeptState | undefined> {
    const unsaved = ({ busy, owner, tokens }: Slot): boolean => !busy && files.wants(owner, tokens);
    const slot = this.all.find(unsaved);
    if (slot === undefined) return undefined;
    const { number, owner, tokens } = slot;
    return { owner, tokens: [...tokens], state: await this.#context.save(number) };
  }

  /** A copy, since what is written is given away. */
  #unsavedInMemory(files: KeptFiles): KeptState | undefined {
    for (const kept of this.#states.all()) {
      if (files.wants(kept.owner, kept.tokens)) return { ...kept, state: kept.state.slice() };
    }
    return undefined;
  }

  release(slot: Slot): void {
    slot.running?.generation.end();
    slot.running?.sighted?.[Symbol.dispose]();
    slot.running = undefined;
  }

  /** Saves what the slot is about to forget, all but its first tokens, if there is a place for it. */
  async #remember({ number, owner, tokens }: Slot, keptTokens: number): Promise<void> {
    if (tokens.length - keptTokens < REMEMBERED_TOKENS) return;
    const inMemory = this.#states.wants(owner, tokens);
    if (!inMemory && this.#files?.wants(owner, tokens) !== true) return;
    try {
      const kept = { owner, tokens: [...tokens], state: await this.#context.save(number) };
      if (inMemory) this.#states.keep(kept);
      else void this.#files?.save(kept);
    } catch {
      // What cannot be saved is evaluated again.
    }
  }

  /** Whatever holds the most of what is wanted, where copying is better than evaluating. */
  #source(wanted: readonly number[], owner: string, own: number): Source | undefined {
    const sources = [
      ...this.#runningSources(wanted, owner),
      ...this.#keptSources(wanted, owner),
      ...this.#fileSources(wanted, owner),
    ];
    // Of equals the first: memory is faster than files.
    return sources
      .filter(({ tokens, length }) => isWorthCopying(tokens.length, length - own))
      .filter(({ tokens, length }) => this.#context.cutsAnywhere || tokens.length === length)
      .toSorted((a, b) => b.length - a.length)[0];
  }

  #runningSources(wanted: readonly number[], owner: string): readonly Source[] {
    return this.running
      .filter((slot) => slot.owner === owner)
      .map(({ number, tokens }) => ({
        tokens,
        length: sharedLength(tokens, wanted),
        copyTo: (sequence) => this.#context.copy(number, sequence),
      }));
  }

  #keptSources(wanted: readonly number[], owner: string): readonly Source[] {
    return this.#states.candidates(owner, wanted).map(({ kept, length }) => ({
      tokens: kept.tokens,
      length: wholeLength(wanted, length),
      copyTo: async (sequence) => {
        this.#states.used(kept);
        await this.#context.restore(sequence, kept.state);
      },
    }));
  }

  #fileSources(wanted: readonly number[], owner: string): readonly Source[] {
    const found = this.#files?.candidates(owner, wanted) ?? [];
    return found.map(({ tokens, length, read }) => ({
      tokens,
      length: wholeLength(wanted, length),
      copyTo: async (sequence) => this.#context.restore(sequence, await read()),
    }));
  }

  async #copy({ tokens, length, copyTo }: Source, to: Slot): Promise<void> {
    this.keep(to, 0);
    try {
      await copyTo(to.number);
    } catch {
      // What cannot be copied is evaluated.
      return this.keep(to, 0);
    }
    for (const token of tokens) to.tokens.push(token);
    this.keep(to, length);
  }
}

/** Whether a second choice of this prompt had better wait until it has been evaluated for the first. */
export function isWorthWaitingFor({ tokens }: EncodedPrompt): boolean {
  return tokens.length > COPY_TOKENS;
}

/** What both begin with, but for a picture that would be in parts. */
function sharedLength(tokens: readonly number[], wanted: readonly number[]): number {
  return wholeLength(wanted, commonPrefix(tokens, wanted));
}

function isWorthCopying(sourceTokens: number, gainedTokens: number): boolean {
  return gainedTokens >= COPY_TOKENS && sourceTokens <= COPY_EXCESS * gainedTokens;
}

function slotOf(number: number): Slot {
  return {
    number,
    tokens: [],
    owner: "",
    lastUse: 0,
    running: undefined,
    get busy() {
      return this.running !== undefined;
    },
  };
}
