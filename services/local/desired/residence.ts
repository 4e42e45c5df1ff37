/**
 * Which models are in memory: what to load, what to put to sleep, and in which order. Pure, and safe to ask again at
 * any time.
 *
 * Memory is a budget. Who waits for a model is served in the order in which the waiting began, so that a large model gets
 * its turn; a later one goes first only where there is room for it now and it keeps nobody waiting (`besideBytes`). Room is
 * made by models that nobody uses. If those are not enough, models that are in use make room after their turn: they get no
 * new requests, finish those they have, and their own waiting requests bring them back.
 *
 * A model goes to sleep in two steps, so that no request finds it gone. First it is `closing`: the API service is told
 * not to send it anything more. Once that has confirmed it and has no request at the model, the model is `stopping`.
 */
import { bytesOf, isIdle, isInMemory, isWanted, type Resident } from "./resident.ts";
import { besideBytes, type Room, roomFor, type Rules } from "./room.ts";

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
export function largestBytes(residents: readonly Resident[], budgetBytes: number): number {
  return budgetBytes - bytesOf(residents.filter(({ stays, phase }) => stays && phase !== "asleep"));
}

/** Who is loaded now, and the first for whom there is no room yet. */
function line(
  residents: readonly Resident[],
  { budgetBytes }: Rules,
): { readonly loads: readonly Resident[]; readonly claim: Resident | undefined } {
  const most = largestBytes(residents, budgetBytes);
  const waiting = residents.filter(
    (one) => !one.stays && one.phase === "asleep" && isWanted(one) && one.bytes <= most,
  );
  let freeBytes = budgetBytes - bytesOf(residents.filter(isInMemory));
  /** Beside all that are passed. */
  let leftBytes = Infinity;
  let claim: Resident | undefined;
  const loads: Resident[] = [];
  for (const one of waiting.toSorted(bySince)) {
    if (one.bytes <= Math.min(freeBytes, leftBytes)) {
      loads.push(one);
      freeBytes -= one.bytes;
      leftBytes -= one.bytes;
    } else {
      claim ??= one;
      const beside = besideBytes(one, afterLoading(loads, residents), budgetBytes);
      leftBytes = Math.min(leftBytes, beside);
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
