/**
 * Which inputs are embedded together next. Pure.
 *
 * Requests take turns input by input, so that one with two thousand inputs does not stand in the way of one with a
 * single input; a batch ends before the first input that does not fit, so that long inputs get their turn too.
 */
type Waiting = {
  /** Tokens of its inputs that are not embedded yet, in order. */
  readonly lengths: readonly number[];
};

type BatchLimits = { readonly tokens: number; readonly inputs: number };

/** How many of each request's next inputs are taken. The first in line always has one, however long it is. */
export function nextBatch(requests: readonly Waiting[], limits: BatchLimits): readonly number[] {
  const taken = requests.map(() => 0);
  let tokens = 0;
  let inputs = 0;
  for (let round = 0; requests.some(({ lengths }) => round < lengths.length); round += 1) {
    for (const [index, { lengths }] of requests.entries()) {
      const length = lengths[round];
      if (length === undefined) continue;
      if (inputs > 0 && (tokens + length > limits.tokens || inputs === limits.inputs)) return taken;
      taken[index] = round + 1;
      tokens += length;
      inputs += 1;
    }
  }
  return taken;
}
