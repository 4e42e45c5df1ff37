/**
 * Which endpoint gets the next request: the one that knows the longest beginning of its prompt, else the one where its
 * conversation belongs, as long as that one has not much more to do than its share; else the one with the least to do.
 *
 * Pure: all it goes by is handed in. "Consistent hashing with bounded loads" is the idea behind it: reuse is
 * worth a longer queue, but only a little longer.
 */

export type Candidate = {
  readonly url: string;
  readonly inFlight: number;
  /** What it can do at the same time: its slots, fewer while it is new. */
  readonly weight: number;
  /** False while it is left alone because it failed. */
  readonly available: boolean;
  /** It is to become idle, and ends then. */
  readonly isLeaving: boolean;
  /** It has failed this very request before. */
  readonly tried: boolean;
  /** Bytes of the prompt's beginning that it has seen before; 0 for too few to matter. */
  readonly sharedBytes: number;
  /** How much its conversation belongs there, by rendezvous.ts; 0 where that does not count. */
  readonly affinity: number;
  /** Ordinal of the last request it got; 0 for none. */
  readonly lastUse: number;
};

/** An endpoint may have so much of the average load before reuse counts no more. */
const LOAD_FACTOR = 1.25;
/** With so few in flight nobody is busy: an average of half a request says nothing. */
const NEVER_BUSY = 2;

/** What of it this replica of the service sees, and has: all of it, where it is alone. */
type Part = {
  /** How many more than its share an endpoint may have, since others are not seen. */
  readonly slack: number;
  /** Of what an endpoint can do at the same time. */
  readonly share: number;
};

const WHOLE: Part = { slack: 0, share: 1 };

/** Undefined only when there is no candidate at all. */
export function pick(
  candidates: readonly Candidate[],
  { slack, share }: Part = WHOLE,
): Candidate | undefined {
  const choice = stayingOf(choiceOf(candidates), share);
  const inFlight = choice.reduce((sum, one) => sum + one.inFlight, 0);
  const weight = choice.reduce((sum, one) => sum + one.weight, 0);
  let best: Candidate | undefined;
  for (const one of choice) {
    const within = one.inFlight + 1 <= loadBound(one.weight, (inFlight + 1) / weight, slack);
    const candidate = within ? one : { ...one, sharedBytes: 0, affinity: 0 };
    if (best === undefined || precedes(candidate, best)) best = candidate;
  }
  return best;
}

/** Most in flight at an endpoint that reuse may lead to. */
export function loadBound(weight: number, averageLoad: number, slack = 0): number {
  const share = Math.ceil(LOAD_FACTOR * weight * averageLoad + slack);
  return Math.max(share, Math.min(weight, NEVER_BUSY));
}

/** Those not tried yet come first, of those the available ones; but none left is worse than a bad one. */
function choiceOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const fresh = candidates.filter((one) => !one.tried);
  const untried = fresh.length > 0 ? fresh : candidates;
  const available = untried.filter((one) => one.available);
  return available.length > 0 ? available : untried;
}

/** Those that are to leave get what the others have no slot for. */
function stayingOf(candidates: readonly Candidate[], share: number): readonly Candidate[] {
  const staying = candidates.filter((one) => !one.isLeaving);
  const haveRoom = staying.some((one) => one.inFlight + 1 <= Math.max(1, one.weight * share));
  return haveRoom ? staying : candidates;
}

function precedes(a: Candidate, b: Candidate): boolean {
  if (a.sharedBytes !== b.sharedBytes) return a.sharedBytes > b.sharedBytes;
  if (a.affinity !== b.affinity) return a.affinity > b.affinity;
  const [loadOfA, loadOfB] = [(a.inFlight + 1) / a.weight, (b.inFlight + 1) / b.weight];
  if (loadOfA !== loadOfB) return loadOfA < loadOfB;
  return a.lastUse < b.lastUse;
}
