/**
 * Which models are in memory: what to load, what to put to sleep, and in which order. Pure, and safe to ask again at
 * any time.
 *
 * Memory is a budget. Who waits for a model is served in the order in which the waiting began, and nobody overtakes, so
 * that a large model gets its turn. Room is made by models that nobody uses, the least recently used first. If those are
 * not enough, models that are in use make room after their turn: they get no new requests, finish those they have, and
 * their own waiting requests bring them back.
 *
 * A model goes to sleep in two steps, so that no request finds it gone. First it is `closing`: the API service is told
 * not to send it anything more. Once that has confirmed it and has no request at the model, the model is `stopping`.
 */

export type Resident = {
  readonly number: number;
  /** What it takes while it is in memory. */
  readonly bytes: number;
  /** Whether it is loaded for good. It takes memory, and nothing is decided about it. */
  readonly stays: boolean;
  readonly phase: "asleep" | "loading" | "awake" | "closing" | "stopping";
  /** Whether the API service knows that it is closing. */
  readonly isConfirmed: boolean;
  /** Whether requests are at its server. */
  readonly isBusy: boolean;
  /** Since when requests wait for it; undefined when none does. */
  readonly waitingSinceMs: number | undefined;
  /** Since when it has been in memory and ready. */
  readonly awakeSinceMs: number;
  /** Since when no request has been at it or waited for it. */
  readonly idleSinceMs: number;
  /** How long it stays when nobody uses it; Infinity for as long as there is room. */
  readonly idleMs: number;
};

type Move = {
  readonly type: "load" | "close" | "reopen" | "stop";
  readonly number: number;
};

export type Residence = {
  readonly moves: readonly Move[];
  /** When to ask again if nothing happens until then. */
  readonly againAtMs: number;
};

export type Rules = {
  readonly budgetBytes: number;
  /** How long a model that is in use is left alone while others wait for its room. */
  readonly turnMs: number;
};

export function decideResidence(
  residents: readonly Resident[],
  rules: Rules,
  nowMs: number,
): Residence {
  const movable = residents.filter(({ stays }) => !stays);
  const { loads, claim } = line(residents, rules);
  const room = claim === undefined ? NO_ROOM : roomFor(claim, residents, rules, nowMs);
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
  return budgetBytes - sum(residents.filter(({ stays, phase }) => stays && phase !== "asleep"));
}

/** Who is loaded now, and the first for whom there is no room yet. */
function line(
  residents: readonly Resident[],
  { budgetBytes }: Rules,
): { readonly loads: readonly Resident[]; readonly claim: Resident | undefined } {
  let freeBytes = budgetBytes - sum(residents.filter(isInMemory));
  const most = largestBytes(residents, budgetBytes);
  const loads: Resident[] = [];
  const waiting = residents.filter(
    (one) => !one.stays && one.phase === "asleep" && isWanted(one) && one.bytes <= most,
  );
  for (const one of waiting.toSorted(bySince)) {
    if (one.bytes > freeBytes) return { loads, claim: one };
    loads.push(one);
    freeBytes -= one.bytes;
  }
  return { loads, claim: undefined };
}

type Room = { readonly closing: readonly Resident[]; readonly againAtMs: number };

const NO_ROOM: Room = { closing: [], againAtMs: Infinity };

/** Whom to close for `claim`: nobody, unless it is enough. */
function roomFor(
  claim: Resident,
  residents: readonly Resident[],
  { budgetBytes, turnMs }: Rules,
  nowMs: number,
): Room {
  const staying = residents.filter((one) => isInMemory(one) && !isLeaving(one));
  const missingBytes = claim.bytes - (budgetBytes - sum(staying));
  if (missingBytes <= 0) return NO_ROOM;
  const movable = staying.filter(({ stays, phase }) => !stays && phase === "awake");
  const idle = movable.filter(isIdle).toSorted((a, b) => a.idleSinceMs - b.idleSinceMs);
  const busy = movable
    .filter((one) => !isIdle(one))
    .toSorted((a, b) => a.awakeSinceMs - b.awakeSinceMs);
  const isOver = (one: Resident): boolean => nowMs >= one.awakeSinceMs + turnMs;
  const closing = fewest([...idle, ...busy.filter(isOver)], missingBytes);
  if (closing !== undefined) return { closing, againAtMs: Infinity };
  const turns = busy.filter((one) => !isOver(one)).map((one) => one.awakeSinceMs + turnMs);
  return { closing: [], againAtMs: Math.min(...turns, Infinity) };
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

function isInMemory({ phase }: Resident): boolean {
  return phase !== "asleep";
}

function isLeaving({ phase }: Resident): boolean {
  return phase === "closing" || phase === "stopping";
}

function isWanted({ isBusy, waitingSinceMs }: Resident): boolean {
  return isBusy || waitingSinceMs !== undefined;
}

function isIdle(one: Resident): boolean {
  return one.phase === "awake" && !isWanted(one);
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

function sum(residents: readonly Resident[]): number {
  return residents.reduce((total, { bytes }) => total + bytes, 0);
}
