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
  const all = { first: 0, end: trie.bytes.length, depth: 0 };
  walk({ ...all, state }, automaton, trie, (token) => {
    found(token);
    for (const twin of trie.twins.get(token) ?? []) found(twin);
    return true;
  });
}

/** Whether a token begins with the bytes and goes on as the grammar allows it behind them. */
export function someTokenGoesOn(
  bytes: Uint8Array,
  state: ByteState,
  automaton: ByteAutomaton,
  trie: TokenTrie,
): boolean {
  const node = nodeOf(bytes, trie);
  if (node === undefined) return false;
  let goesOn = false;
  const below = { first: node + 1, end: trie.after[node] ?? 0, depth: bytes.length };
  walk({ ...below, state }, automaton, trie, () => {
    goesOn = true;
    return false;
  });
  return goesOn;
}

/** Nodes from `first` up to `end`, below one of this depth. */
type Branch = { readonly first: number; readonly end: number; readonly depth: number };

/** Until `found` answers false. */
function walk(
  { state, first, end, depth: above }: Branch & { readonly state: ByteState },
  automaton: ByteAutomaton,
  { bytes, depths, after, tokens }: TokenTrie,
  found: (token: number) => boolean,
): void {
  const path: ByteState[] = [state];
  for (let node = first; node < end;) {
    const depth = (depths[node] ?? 1) - above;
    const next = automaton.next(path[depth - 1] ?? state, bytes[node] ?? 0);
    if (next === undefined) {
      node = after[node] ?? end;
      continue;
    }
    path[depth] = next;
    const token = tokens[node] ?? -1;
    if (token >= 0 && !found(token)) return;
    node += 1;
  }
}

function nodeOf(wanted: Uint8Array, { bytes, after }: TokenTrie): number | undefined {
  let found: number | undefined;
  let [node, end] = [0, bytes.length];
  for (const byte of wanted) {
    while (node < end && bytes[node] !== byte) node = after[node] ?? end;
    if (node >= end) return undefined;
    found = node;
    end = after[node] ?? end;
    node += 1;
  }
  return found;
}
