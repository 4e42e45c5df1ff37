/**
 * The tokens of a vocabulary by their bytes, as a tree that is written in one row.
 *
 * To know which tokens may follow, a grammar is taken along the row: where it does not go on, the whole branch is
 * skipped. A byte that many tokens begin with is looked at once.
 */
import type { ByteAutomaton, ByteState } from "./byte-automaton.ts";

/** Node by node, each before its children. */
export type TokenTrie = {
  readonly bytes: Uint8Array;
  /** How many bytes lead to the node. */
  readonly depths: Uint16Array;
  /** The node after all that is below this one. */
  readonly after: Uint32Array;
  /** The token that ends at the node; -1 where none does. */
  readonly tokens: Int32Array;
  /** Further tokens of the same bytes, by the first of them. */
  readonly twins: ReadonlyMap<number, readonly number[]>;
};

/** @param bytesOf - of each token from 0 on; those that write nothing are left out */
export function tokenTrie(bytesOf: readonly Uint8Array[]): TokenTrie {
  const order = bytesOf
    .map((bytes, token) => ({ token, text: Buffer.from(bytes).toString("latin1") }))
    .filter(({ text }) => text !== "")
    .toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.token - b.token));
  const bytes: number[] = [];
  const depths: number[] = [];
  const tokens: number[] = [];
  const twins = new Map<number, number[]>();
  let before = "";
  for (const { token, text } of order) {
    const first = tokens.at(-1);
    if (text === before && first !== undefined) {
      twins.set(first, [...(twins.get(first) ?? []), token]);
      continue;
    }
    for (let depth = commonLength(before, text); depth < text.length; depth += 1) {
      bytes.push(text.charCodeAt(depth));
      depths.push(depth + 1);
      tokens.push(depth === text.length - 1 ? token : -1);
    }
    before = text;
  }
  return {
    bytes: Uint8Array.from(bytes),
    depths: Uint16Array.from(depths),
    after: afterOf(depths),
    tokens: Int32Array.from(tokens),
    twins,
  };
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}

function afterOf(depths: readonly number[]): Uint32Array {
  const after = new Uint32Array(depths.length);
  const open: number[] = [];
  for (const [node, depth] of depths.entries()) {
    while (open.length >= depth) after[open.pop() ?? 0] = node;
    open.push(node);
  }
  for (const node of open) after[node] = depths.length;
  return after;
}

/** Calls `found` with each token that may follow. @throws GrammarError when too much is left open */
export function tokensThatFollow(
  state: ByteState,
  automaton: ByteAutomaton,
  trie: TokenTrie,
  found: (token: number) => void,
): void {
  const { bytes, depths, after, tokens, twins } = trie;
  const path: ByteState[] = [state];
  for (let node = 0; node < bytes.length;) {
    const depth = depths[node] ?? 1;
    const next = automaton.next(path[depth - 1] ?? state, bytes[node] ?? 0);
    if (next === undefined) {
      node = after[node] ?? bytes.length;
      continue;
    }
    path[depth] = next;
    const token = tokens[node] ?? -1;
    if (token >= 0) {
      found(token);
      for (const twin of twins.get(token) ?? []) found(twin);
    }
    node += 1;
  }
}
