/**
 * Which models are in memory: what to load, what to put to sleep, and in which order. Pure, and safe to ask again at
 * any time.
 *
 * Memory is a budget. Who waits for a model is served in the order in which the waiting began, so that a large model gets
 * its turn; a later one goes first only where there is room for it now and it keeps nobody waiting (`roomBeside`). Room is
 * made by models that nobody uses. If those are not enough, models that are in use make room after their turn: they get no
 * new requests, finish those they have, and their own waiting requests bring them back.
 *
 * A model goes to sleep in two steps, so that no request finds it gone. First it is `closing`: the API service is told
 * not to send it anything more. Once that has confirmed it and has no request at the model, the model is `stopping`.
 */
import { ALL_MEMORY, fitsIn, lesser, type Memory, minus } from "./memory.ts";
import { isIdle, isInMemory, isWanted, memoryOf, type Resident } from "./resident.ts";
import { type Room, roomBeside, roomFor, type Rules } from "./room.ts";

type Move = {
  readonly type: "load" | "close" | "reopen" | "stop";
  readonly number: number;
};

export type Residence = {
  readonly moves: readonly Move[];
  /** When to ask again if nothing happens until then. */
  readonly againAtMs: number;
};

const NO_ROOM: Room = { closing: [], againAtMs: Infinity };

export function decideResidence(
  residents: readonly Resident[],
  rules: Rules,
  nowMs: number,
): Residence {
  const movable = residents.filter(({ stays }) => !stays);
  const { loads, claim } = line(residents, rules);
  const loaded = afterLoading(loads, residents);
  const room = claim === undefined ? NO_ROOM : roomFor(claim, loaded, rules, nowMs);
  const closed = new Set(room.closing.map(({ number }) => number));
  const ended = movable.filter((one) => isUnwanted(one));
  const idle = movable.filter(
    (one) => isIdle(one) && nowMs >= one.idleSinceMs + one.idleMs && !closed.has(one.number),
  );
  const closing = movable.filter(({ phase }) => phase === "closing");
  // Whoever closes to make room goes on closing, although its own requests wait.
  const reopened = closing.filter((one) => claim === undefined && isWanted(one));
  const stopped = closing.filter(
    (one) => !reopened.includes(one) && one.isConfirmed && !one.isBusy,
  );
  return {
    moves: [
      ...loads.map(move("load")),
      ...room.closing.map(move("close")),
      ...idle.map(move("close")),
      ...reopened.map(move("reopen")),
      ...[...stopped, ...ended].map(move("stop")),
    ],
    againAtMs: Math.min(room.againAtMs, ...movable.filter(isIdle).map(endOfIdling), Infinity),
  };
}

/** What a model may take at most beside those that stay. */
export function mostMemory(
  residents: readonly Pick<Resident, "stays" | "phase" | "memory">[],
  budget: Memory,
): Memory {
  return residents
    .filter(({ stays, phase }) => stays && phase !== "asleep")
    .reduce((left, { memory }) => minus(left, memory), budget);
}

/** Who is loaded now, and the first for whom there is no room yet. */
function line(
  residents: readonly Resident[],
  { budget }: Rules,
): { readonly loads: readonly Resident[]; readonly claim: Resident | undefined } {
  const most = mostMemory(residents, budget);
  const waiting = residents.filter(
    (one) => !one.stays && one.phase === "asleep" && isWanted(one) && fitsIn(one.memory, most),
  );
  let free = minus(budget, memoryOf(residents.filter(isInMemory)));
  /** Beside all that are passed. */
  let left = ALL_MEMORY;
  let claim: Resident | undefined;
  const loads: Resident[] = [];
  for (const one of waiting.toSorted(bySince)) {
    if (fitsIn(one.memory, lesser(free, left))) {
      loads.push(one);
      free = minus(free, one.memory);
      left = minus(left, one.memory);
    } else {
      claim ??= one;
      left = lesser(left, roomBeside(one, afterLoading(loads, residents), budget));
    }
  }
  return { loads, claim };
}

function afterLoading(
  loads: readonly Resident[],
  residents: readonly Resident[],
): readonly Resident[] {
  return residents.map((one) => (loads.includes(one) ? { ...one, phase: "loading" } : one));
}

/** A load that nobody waits for any more. */
function isUnwanted(one: Resident): boolean {
  return one.phase === "loading" && !isWanted(one);
}

function endOfIdling({ idleSinceMs, idleMs }: Resident): number {
  return idleSinceMs + idleMs;
}

function bySince(a: Resident, b: Resident): number {
  return (a.waitingSinceMs ?? 0) - (b.waitingSinceMs ?? 0);
}

function move(type: Move["type"]): (one: Resident) => Move {
  return ({ number }) => ({ type, number });
}
