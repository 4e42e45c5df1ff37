/**
 * One slot of the engine as the scheduler drives it: a key-value cache that grows at its end.
 *
 * `truncate` needs the engine's context to itself and is called between steps only; the other three are
 * what a step consists of. At most one of them may be under way per sequence.
 */
import type { Sampling } from "@localmodel/inference/generate.ts";

export interface Sequence {
  readonly number: number;
  /** What the cache holds. */
  readonly tokens: readonly number[];
  /** How much of the first `length` tokens can be kept without evaluating anything again. */
  keepable(length: number): number;
  truncate(length: number): Promise<void>;
  prefill(tokens: readonly number[]): Promise<void>;
  /** Evaluates `tokens` at the first `next()`, then one sampled token at each; yields what it samples. */
  sample(tokens: readonly number[], options: SampleOptions): TokenStream;
  /** Evaluates `tokens` and returns, for each, the model's own distribution of the token after it. */
  distributions(tokens: readonly number[]): Promise<Distribution[]>;
}

export type SampleOptions = {
  readonly sampling: Sampling;
  readonly seed: number;
  /** Whether end-of-generation tokens are out of the question for the next token. */
  readonly bansEnd?: () => boolean;
  /** The last tokens of prompt and answer, newest last: what the penalties look at. */
  readonly history: (window: number) => readonly number[];
  /** Called each time a batch has been decoded, before the next token is chosen. */
  readonly onDecoded: () => void;
};

export interface TokenStream {
  next(): Promise<number>;
  end(): Promise<void>;
}

/** Probability of every token of the vocabulary, most probable first, before any sampling option. */
export type Distribution = ReadonlyMap<number, number>;
