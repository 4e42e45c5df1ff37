/**
 * Room for a model that waits for it: whom to close, and what others may take meanwhile. Pure.
 *
 * Closed are the models that nobody uses, the least recently used first; if those are not enough, models in use whose turn
 * is over, the one first that has had the memory longest.
 */
import { fitsIn, type Memory, minus, NO_MEMORY, plus } from "./memory.ts";
import { isIdle, isInMemory, isLeaving, memoryOf, type Resident } from "./resident.ts";

export type Rules = {
  readonly budget: Memory;
  /** How long a model that is in use is left alone while others wait for its room. */
  readonly turnMs: number;
};

export type Room = {
  readonly closing: readonly Resident[];
  /** When there may be more room, if nothing happens until then. */
  readonly againAtMs: number;
};

/** Whom to close for `claim` now: nobody, unless it is enough. */
export function roomFor(
  claim: Resident,
  residents: readonly Resident[],
  { budget, turnMs }: Rules,
  nowMs: number,
): Room {
  const { order, missing } = prospect(claim, residents, budget);
  const turnOver = (one: Resident): number => (isIdle(one) ? nowMs : one.awakeSinceMs + turnMs);
  const awake = order.filter(({ phase }) => phase === "awake");
  const closing = fewest(
    awake.filter((one) => turnOver(one) <= nowMs),
    missing,
  );
  if (closing !== undefined) return { closing, againAtMs: Infinity };
  const turns = awake.map(turnOver).filter((atMs) => atMs > nowMs);
  return { closing: [], againAtMs: Math.min(...turns, Infinity) };
}

/**
 * How much others may take while `claim` waits, so that neither more models have to make room for it than would anyway nor
 * any later: what is left beside it once all have had their turn.
 */
export function roomBeside(
  claim: Resident,
  residents: readonly Resident[],
  budget: Memory,
): Memory {
  const { order, missing } = prospect(claim, residents, budget);
  const closing = fewest(order, missing);
  return closing === undefined ? NO_MEMORY : minus(memoryOf(closing), missing);
}

/** What `claim` misses when those have left that are leaving, and who may make room for it, sooner or later. */
function prospect(claim: Resident, residents: readonly Resident[], budget: Memory) {
  const staying = residents.filter((one) => isInMemory(one) && !isLeaving(one));
  const movable = staying.filter(({ stays }) => !stays);
  const idle = movable.filter(isIdle).toSorted((a, b) => a.idleSinceMs - b.idleSinceMs);
  const busy = movable
    .filter((one) => one.phase === "awake" && !isIdle(one))
    .toSorted((a, b) => a.awakeSinceMs - b.awakeSinceMs);
  const loading = movable.filter(({ phase }) => phase === "loading");
  return {
    order: [...idle, ...busy, ...loading],
    missing: minus(claim.memory, minus(budget, memoryOf(staying))),
  };
}

/**
 * The first of `order` that have so much memory together, without those that the later ones make superfluous; undefined
 * where all of them have less.
 */
function fewest(order: readonly Resident[], missing: Memory): readonly Resident[] | undefined {
  const first: Resident[] = [];
  let spare = minus(NO_MEMORY, missing);
  for (const one of order) {
    if (fitsIn(NO_MEMORY, spare)) break;
    first.push(one);
    spare = plus(spare, one.memory);
  }
  if (!fitsIn(NO_MEMORY, spare)) return undefined;
  const needed: Resident[] = [];
  // Spared are the latest rather than the first.
  for (const one of first.toReversed()) {
    if (fitsIn(one.memory, spare)) spare = minus(spare, one.memory);
    else needed.push(one);
  }
  return needed;
}
