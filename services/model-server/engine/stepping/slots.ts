/**
 * The slots of a context: what each one's cache holds, and how a prompt comes by the beginning that it has in common with
 * others.
 *
 * A beginning is kept where the slot holds it already, and copied where another slot does; only the rest is evaluated.
 * All of it happens between two steps.
 */
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { Generation } from "./generation.ts";
import { type Job, scoresPrompt } from "./job.ts";
import { chooseSlot, commonPrefix } from "./slot-choice.ts";
import type { StepContext } from "./step-context.ts";

export type Running = {
  readonly job: Job;
  readonly prompt: EncodedPrompt;
  readonly generation: Generation;
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
  tenant: string;
  lastUse: number;
  running: Running | undefined;
  readonly busy: boolean;
};

/** Fewer tokens are evaluated as soon as they are copied. */
const COPY_TOKENS = 32;
/** A sequence is copied whole: how much longer it may be than what is wanted of it. */
const COPY_EXCESS = 8;

export class Slots {
  readonly all: readonly Slot[];
  readonly #context: StepContext;
  #uses = 0;

  constructor(context: StepContext) {
    this.#context = context;
    this.all = Array.from({ length: context.sequences }, (_, number) => slotOf(number));
  }

  get running(): readonly Slot[] {
    return this.all.filter(({ busy }) => busy);
  }

  /**
   * A free slot whose cache holds as much of the prompt's beginning as can be had, and nothing else: its `tokens`.
   * Undefined where all are busy.
   */
  async take({ request }: Job, prompt: EncodedPrompt): Promise<Slot | undefined> {
    const { tenant } = request;
    const slot = chooseSlot(this.all, prompt.tokens, tenant);
    if (slot === undefined) return undefined;
    const shares = !scoresPrompt(request);
    // So is the last token in any case: its logits choose the first token of the answer.
    const wanted = shares ? prompt.tokens.slice(0, -1) : [];
    const own = slot.tenant === tenant ? commonPrefix(slot.tokens, wanted) : 0;
    const source = shares ? this.#source(wanted, tenant, own) : undefined;
    if (source === undefined) this.keep(slot, own);
    else await this.#copy(source.slot, slot, source.length);
    slot.tenant = tenant;
    slot.lastUse = ++this.#uses;
    return slot;
  }

  /** Forgets all but the first `length` tokens; more where the model cannot go back there. */
  keep(slot: Slot, length: number): void {
    if (length < slot.tokens.length || length === 0) {
      slot.tokens.length = this.#context.keep(slot.number, length);
    }
  }

  /** What an evaluation that did not end has put behind the slot's tokens. */
  forgetRest(slot: Slot): void {
    slot.tokens.length = this.#context.keep(slot.number, slot.tokens.length);
  }

  release(slot: Slot): void {
    slot.running?.generation.end();
    slot.running = undefined;
  }

  /** The busy slot that holds the most of what is wanted, where copying is better than evaluating. */
  #source(
    wanted: readonly number[],
    tenant: string,
    own: number,
  ): { readonly slot: Slot; readonly length: number } | undefined {
    if (!this.#context.cutsAnywhere) return undefined;
    return this.running
      .filter((slot) => slot.tenant === tenant)
      .map((slot) => ({ slot, length: commonPrefix(slot.tokens, wanted) }))
      .filter(({ slot, length }) => isWorthCopying(slot.tokens.length, length - own))
      .toSorted((a, b) => b.length - a.length)[0];
  }

  async #copy(from: Slot, to: Slot, length: number): Promise<void> {
    this.keep(to, 0);
    try {
      await this.#context.restore(to.number, await this.#context.save(from.number));
    } catch {
      // What cannot be copied is evaluated.
      return this.keep(to, 0);
    }
    for (const token of from.tokens) to.tokens.push(token);
    this.keep(to, length);
  }
}

/** Whether a second choice of this prompt had better wait until it has been evaluated for the first. */
export function isWorthWaitingFor({ tokens }: EncodedPrompt): boolean {
  return tokens.length > COPY_TOKENS;
}

function isWorthCopying(sourceTokens: number, gainedTokens: number): boolean {
  return gainedTokens >= COPY_TOKENS && sourceTokens <= COPY_EXCESS * gainedTokens;
}

function slotOf(number: number): Slot {
  return {
    number,
    tokens: [],
    tenant: "",
    lastUse: 0,
    running: undefined,
    get busy() {
      return this.running !== undefined;
    },
  };
}
