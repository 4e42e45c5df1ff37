/**
 * Log probabilities out of logits: of one token, and of the most likely ones. Pure.
 *
 * One pass finds the largest logits, another adds up the exponentials; nothing as long as the vocabulary is made or
 * sorted.
 */
export type Logprobs = {
  /** Of the token that was asked for; -Infinity where a logit is. */
  readonly logprob: number;
  /** The most likely tokens, most likely first; of equals the one with the smaller number. */
  readonly top: readonly { readonly token: number; readonly logprob: number }[];
};

/** Exponentials below this share of the largest cannot change a sum in double precision, of any vocabulary. */
const NEGLIGIBLE = -50;

/** The sum of e^(logit - largest) of all tokens, where `largest` is the token with the largest logit. */
type Summing = (logits: Float32Array, largest: number) => number | undefined;

/**
 * `summed`: a faster sum than this module's, which is taken where that has none.
 *
 * @throws RangeError when the token has no logit, or no token has one that is a number
 */
export function logprobsOf(
  logits: Float32Array,
  token: number,
  count: number,
  summed: Summing = () => undefined,
): Logprobs {
  const chosen = logits[token];
  if (chosen === undefined) throw new RangeError(`There is no logit of token ${token}`);
  const most = topTokens(logits, Math.max(1, count));
  const likeliest = most[0] ?? -1;
  const largest = logits[likeliest] ?? Number.NaN;
  if (!Number.isFinite(largest)) throw new RangeError("No token has a logit that is a number");
  const sum = summed(logits, likeliest) ?? sumOfExponentials(logits, largest);
  const total = largest + Math.log(sum);
  return {
    logprob: Number.isNaN(chosen) ? Number.NEGATIVE_INFINITY : chosen - total,
    top: [...most.subarray(0, count)].map((one) => ({
      token: one,
      logprob: (logits[one] ?? Number.NaN) - total,
    })),
  };
}

function sumOfExponentials(logits: Float32Array, largest: number): number {
  let sum = 0;
  for (let token = 0; token < logits.length; token += 1) {
    const below = (logits[token] ?? 0) - largest;
    // Not "<": what is no number counts nothing.
    if (!(below >= NEGLIGIBLE)) continue;
    // e^below as a power of two: a whole exponent, 1024ths out of a table, and what is left by its first terms, whose
    // error is 5e-11. Math.exp takes five times as long, and a vocabulary is long.
    const scaled = below * STEPS_PER_UNIT;
    const step = Math.floor(scaled);
    const rest = (scaled - step) / STEPS_PER_UNIT;
    const power = (FRACTIONS[step & (STEPS - 1)] ?? 0) * (HALVINGS[-(step >> STEPS_BITS)] ?? 0);
    sum += power * (1 + rest + (rest * rest) / 2);
  }
  return sum;
}

const STEPS_BITS = 10;
const STEPS = 1 << STEPS_BITS;
const STEPS_PER_UNIT = STEPS / Math.LN2;
const FRACTIONS = Float64Array.from({ length: STEPS }, (_, step) => 2 ** (step / STEPS));
const HALVINGS = Float64Array.from(
  { length: 2 + Math.ceil(-NEGLIGIBLE / Math.LN2) },
  (_, count) => 2 ** -count,
);

/**
 * The tokens with the largest logits, largest first; of equals the smaller number first. What is no number is no
 * candidate.
 *
 * Few are kept, in order: a logit that is not above the last of them, as almost none is, costs one comparison.
 */
export function topTokens(logits: Float32Array, count: number): Int32Array {
  const size = Math.min(count, logits.length);
  if (size === 0) return new Int32Array();
  const best = { tokens: new Int32Array(size), values: new Float32Array(size) };
  let kept = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] ?? Number.NaN;
    if (!(logit > last) && (kept === size || Number.isNaN(logit))) continue;
    // The last falls out when there is no room.
    const at = kept < size ? kept : size - 1;
    kept = at + 1;
    insert(best, at, { token, logit });
    last = best.values[at] ?? last;
  }
  return best.tokens.subarray(0, kept);
}

/** From the end, where it takes the place at `at`, up to where what is before is not smaller. */
function insert(
  { tokens, values }: { readonly tokens: Int32Array; readonly values: Float32Array },
  end: number,
  { token, logit }: { readonly token: number; readonly logit: number },
): void {
  let at = end;
  while (at > 0 && (values[at - 1] ?? logit) < logit) {
    values[at] = values[at - 1] ?? logit;
    tokens[at] = tokens[at - 1] ?? token;
    at -= 1;
  }
  values[at] = logit;
  tokens[at] = token;
}
