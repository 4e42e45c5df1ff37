/**
 * Room for a model that waits for it: whom to close, and what others may take meanwhile. Pure.
 *
 * Closed are the models that nobody uses, the least recently used first; if those are not enough, models in use whose turn
 * is over, the one first that has had the memory longest.
 */
import { bytesOf, isIdle, isInMemory, isLeaving, type Resident } from "./resident.ts";

export type Rules = {
  readonly budgetBytes: number;
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
  { budgetBytes, turnMs }: Rules,
  nowMs: number,
): Room {
  const { order, missingBytes } = prospect(claim, residents, budgetBytes);
  const turnOver = (one: Resident): number => (isIdle(one) ? nowMs : one.awakeSinceMs + turnMs);
  const awake = order.filter(({ phase }) => phase === "awake");
  const closing = fewest(
    awake.filter((one) => turnOver(one) <= nowMs),
    missingBytes,
  );
  if (closing !== undefined) return { closing, againAtMs: Infinity };
  const turns = awake.map(turnOver).filter((atMs) => atMs > nowMs);
  return { closing: [], againAtMs: Math.min(...turns, Infinity) };
}

/**
 * How much others may take while `claim` waits, so that neither more models have to make room for it than would anyway nor
 * any later: what is left beside it once all have had their turn.
 */
export function besideBytes(
  claim: Resident,
  residents: readonly Resident[],
  budgetBytes: number,
): number {
  const { order, missingBytes } = prospect(claim, residents, budgetBytes);
  const closing = fewest(order, missingBytes);
  return closing === undefined ? 0 : bytesOf(closing) - missingBytes;
}

/** What `claim` misses when those have left that are leaving, and who may make room for it, sooner or later. */
function prospect(claim: Resident, residents: readonly Resident[], budgetBytes: number) {
  const staying = residents.filter((one) => isInMemory(one) && !isLeaving(one));
  const movable = staying.filter(({ stays }) => !stays);
  const idle = movable.filter(isIdle).toSorted((a, b) => a.idleSinceMs - b.idleSinceMs);
  const busy = movable
    .filter((one) => one.phase === "awake" && !isIdle(one))
    .toSorted((a, b) => a.awakeSinceMs - b.awakeSinceMs);
  const loading = movable.filter(({ phase }) => phase === "loading");
  return {
    order: [...idle, ...busy, ...loading],
    missingBytes: claim.bytes - (budgetBytes - bytesOf(staying)),
  };
}

/**
 * The first of `order` that have so many bytes together, without those that the later ones make superfluous; undefined
 * where all of them have less.
 */
function fewest(order: readonly Resident[], bytes: number): readonly Resident[] | undefined {
  const first: Resident[] = [];
  let spareBytes = -bytes;
  for (const one of order) {
    if (spareBytes >= 0) break;
    first.push(one);
    spareBytes += one.bytes;
  }
  if (spareBytes < 0) return undefined;
  const needed: Resident[] = [];
  // Spared are the latest rather than the first.
  for (const one of first.toReversed()) {
    if (one.bytes <= spareBytes) spareBytes -= one.bytes;
    else needed.push(one);
  }
  return needed;
}
