/**
 * Where it is counted what keys use: in this process, or in one place for all replicas of the API service.
 *
 * A request is entered when it is let in, and its entry is closed exactly once, with what it has cost.
 */
import type { LimitLeft } from "@localmodel/inference/dialect.ts";
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import type { Refusal } from "./allowance.ts";

export type Ledger = {
  /** Takes one request of the key, or nothing and says why not. */
  readonly open: (key: ApiKey) => Opening | Promise<Opening>;
};

export type Opening = {
  /** What the key has left, this request taken off. */
  readonly left: readonly LimitLeft[];
} & ({ readonly entry: Entry } | { readonly refusal: Refusal });

export type Entry = {
  /** Sets tokens aside, once; a minute's worth at most. Or says why there are none. */
  readonly reserve: (estimatedTokens: number) => Refusal | undefined | Promise<Refusal | undefined>;
  /** Exactly once. */
  readonly close: (usedTokens: number) => void;
};
