/**
 * Requests waiting for slots, and which of them goes next.
 *
 * A slot goes to the waiting request that holds the fewest slots; among equals, to the oldest. A
 * request for sixteen choices therefore shares the machine with a request for one instead of standing
 * in its way, and among single requests it is first come, first served.
 */
export type Waiting = {
  /** Choices not started yet. */
  readonly unstarted: number;
  /** Choices that hold a slot. */
  readonly running: number;
  /** It cannot go on yet, and keeps nobody from it. */
  readonly isLooking?: boolean;
};

/** The next request to give a slot to. `requests` are in order of arrival. */
export function nextInLine<Request extends Waiting>(
  requests: Iterable<Request>,
): Request | undefined {
  let best: Request | undefined;
  for (const request of requests) {
    if (request.unstarted === 0 || request.isLooking === true) continue;
    if (best === undefined || request.running < best.running) best = request;
  }
  return best;
}
