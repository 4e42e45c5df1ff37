/**
 * What the scheduler steps on: one set of sequences that are evaluated together, each the cache of a slot.
 *
 * One call at a time. What an evaluation computed can be read until the next one begins.
 */
import type { Sampling } from "@localmodel/inference/generate.ts";
import type { Logprobs } from "@localmodel/llama/sampling/logprobs.ts";
import type { RowRun } from "./row-runs.ts";

/** Tokens of one sequence in a step, or rows of a picture. */
export type Run = {
  readonly sequence: number;
  /** Of the first token; of the first row of the picture's chunk, wherever the run begins in it. */
  readonly position: number;
  readonly tokens: readonly number[];
  /** What the tokens stand for where they are rows. They have no outputs. */
  readonly rows?: RowRun;
  /** After which of them the distribution of the next token is wanted. */
  readonly outputs: "none" | "last" | "all";
};

export interface StepContext {
  /** Slots: sequences are numbered from 0. */
  readonly sequences: number;
  /** Tokens of one step, and distributions that one step computes, at most. */
  readonly batchTokens: number;
  readonly outputsMax: number;
  /**
   * Runs are in the order of their sequences, one of each at most. Returns the index of each run's first token, under
   * which its outputs are found. Undefined once it was abandoned: there are no outputs, and what the sequences gained is
   * to be forgotten.
   */
  evaluate(runs: readonly Run[], abandoned?: AbortSignal): Promise<readonly number[] | undefined>;
  /** Evaluations from now on are with this adapter; undefined is the model as it is. Nothing where that is so already. */
  use(adapter: string | undefined): void;
  /** Of every token of the vocabulary. What is written into it changes what a chooser sees. */
  logits(index: number): Float32Array;
  /** Of one token, by the logits at this index, and of the `count` likeliest. */
  logprobs(index: number, token: number, count: number): Logprobs;
  chooser(options: ChooserOptions): Chooser;
  /** False where a sequence can only be cut near its end, or not at all: windows and recurrent states. */
  readonly cutsAnywhere: boolean;
  /**
   * Forgets all from a position on; the whole sequence where the model cannot go back there. Returns the position from
   * which on it is empty.
   */
  keep(sequence: number, position: number): number;
  /** Puts what a sequence remembers into one that is empty, too. */
  copy(from: number, to: number): Promise<void>;
  /** What a sequence remembers, to be put into another. */
  save(sequence: number): Promise<Uint8Array>;
  restore(sequence: number, state: Uint8Array): Promise<void>;
}

export type ChooserOptions = {
  readonly sampling: Sampling;
  readonly seed: number;
  /** What the answer follows; penalties look at its end, and at no rows. */
  readonly prompt: readonly number[];
};

/** Chooses the tokens of one answer, and remembers them. */
export interface Chooser {
  choose(index: number): number;
  /** Chooses, and remembers nothing. Undefined where no token is left that has a chance. */
  draw(logits: Float32Array): number | undefined;
  /** Remembers a token as if it had been chosen. */
  accept(token: number): void;
  end(): void;
}
