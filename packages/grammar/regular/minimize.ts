/**
 * Merges the states of an automaton that accept the same, and drops those from which nothing is accepted.
 *
 * Hopcroft's partition refinement over a table of states and character classes; -1 is "no transition".
 */

type Table = {
  readonly table: readonly Int32Array[];
  readonly accepting: readonly boolean[];
  readonly classCount: number;
};

type Minimal = {
  readonly start: number;
  readonly table: readonly Int32Array[];
  readonly accepting: readonly boolean[];
};

export function minimize(given: Table): Minimal {
  const blockOf = refine(given);
  const alive = aliveBlocks(given, blockOf);
  const numbers = new Map<number, number>();
  const representatives: number[] = [];
  const numberOf = (state: number): number => {
    const block = blockOf[state] ?? 0;
    let number = numbers.get(block);
    if (number === undefined) {
      number = representatives.length;
      numbers.set(block, number);
      representatives.push(state);
    }
    return number;
  };
  numberOf(0);
  const table: Int32Array[] = [];
  for (let i = 0; i < representatives.length; i++) {
    const row = given.table[representatives[i] ?? 0] ?? new Int32Array();
    table.push(
      row.map((target) => (target < 0 || !alive.has(blockOf[target] ?? 0) ? -1 : numberOf(target))),
    );
  }
  const accepting = representatives.map((state) => given.accepting[state] ?? false);
  return { start: 0, table, accepting };
}

function aliveBlocks(given: Table, blockOf: Int32Array): ReadonlySet<number> {
  const sources: number[][] = given.table.map(() => []);
  given.table.forEach((row, state) => {
    for (const target of new Set(row)) sources[target]?.push(state);
  });
  const alive = new Set<number>();
  const todo = given.accepting.flatMap((yes, state) => (yes ? [state] : []));
  const seen = new Set(todo);
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    alive.add(blockOf[state] ?? 0);
    for (const source of sources[state] ?? []) {
      if (!seen.has(source)) {
        seen.add(source);
        todo.push(source);
      }
    }
  }
  return alive;
}

/** For every state the number of its block; the dead state that -1 stands for is a state of its own here. */
function refine({ table, accepting, classCount }: Table): Int32Array {
  const count = table.length + 1;
  const sources = Array.from({ length: classCount }, (_, k) => sourcesOf(table, k));
  const blockOf = new Int32Array(count).map((_, state) => (accepting[state] === true ? 1 : 0));
  const blocks: Set<number>[] = [new Set(), new Set()];
  blockOf.forEach((block, state) => blocks[block]?.add(state));
  const todo = new Set<number>([0, 1]);
  for (const splitter of todo) {
    todo.delete(splitter);
    const members = [...(blocks[splitter] ?? [])];
    for (const byTarget of sources) {
      const hits = Map.groupBy(
        members.flatMap((member) => byTarget[member] ?? []),
        (source) => blockOf[source] ?? 0,
      );
      for (const [block, states] of hits) split(block, states, { blocks, blockOf, todo });
    }
  }
  return blockOf;
}

/** For every state those that lead to it by a class of characters. */
function sourcesOf(
  table: readonly Int32Array[],
  classNumber: number,
): readonly (readonly number[])[] {
  const dead = table.length;
  const sources: number[][] = Array.from({ length: dead + 1 }, () => []);
  table.forEach((row, state) => {
    const target = row[classNumber] ?? -1;
    sources[target < 0 ? dead : target]?.push(state);
  });
  sources[dead]?.push(dead);
  return sources;
}

type Partition = {
  readonly blocks: Set<number>[];
  readonly blockOf: Int32Array;
  readonly todo: Set<number>;
};

function split(
  block: number,
  states: readonly number[],
  { blocks, blockOf, todo }: Partition,
): void {
  const old = blocks[block];
  if (old === undefined || states.length === old.size) return;
  const created = blocks.length;
  const fresh = new Set(states);
  blocks.push(fresh);
  for (const state of fresh) {
    old.delete(state);
    blockOf[state] = created;
  }
  if (todo.has(block) || fresh.size <= old.size) todo.add(created);
  else todo.add(block);
}
