/**
 * Draws one of many by weight, and drops those of little, as if they stood sorted by it, the heaviest first. Pure.
 *
 * What is drawn is where the weights, added up, exceed a share of their sum. In the order of a vocabulary the least difference of
 * a weight, as it depends on who else is in the batch, moves every sum after it; with the heavy ones first the same share draws
 * the same token in any company. But sorting a whole vocabulary takes as long as a good part of a step. A weight's leading
 * bits say to which of a thousand ranges it belongs: with the sum of each range only the one where the draw ends is sorted.
 */

/** Of a float's 32 bits: what is left are its exponent and three bits more, so ranges are eighths of a power of two. */
const DROPPED_BITS = 20;
const RANGES = 0x7f80_0000 >>> DROPPED_BITS;

/** Used within a call. */
const SUMS = new Float64Array(RANGES);

/**
 * The index of the one where the sum exceeds `share`, 0 to 1, of all; of equals the first comes first. What is not above 0
 * has no weight, and what is no number neither. Undefined where nothing has one.
 */
export function drawn(weights: Float32Array, share: number): number | undefined {
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  SUMS.fill(0);
  for (let at = 0; at < weights.length; at += 1) {
    const range = (bits[at] ?? 0) >>> DROPPED_BITS;
    // Negative numbers, infinity and what is no number are beyond all ranges.
    if (range < RANGES) SUMS[range] = (SUMS[range] ?? 0) + (weights[at] ?? 0);
  }
  const all = SUMS.reduce((sum, of) => sum + of, 0);
  if (all === 0) return undefined;
  const { range, left } = rangeAt(share * all);
  return within(sorted(weights, bits, range), weights, left);
}

/**
 * Takes the weight from those that are lighter than `minP` times the heaviest, and from all behind the first, the heaviest
 * first, that have a sum of `topP` of all, as llama.cpp's stages of these names.
 */
export function dropUnlikely(
  weights: Float32Array,
  { topP, minP }: { readonly topP: number; readonly minP: number },
): void {
  const last = topP < 1 ? drawn(weights, topP) : undefined;
  const least = last === undefined ? 0 : (weights[last] ?? 0);
  const floor = minP > 0 ? minP * heaviest(weights) : 0;
  for (let at = 0; at < weights.length; at += 1) {
    const weight = weights[at] ?? 0;
    const isBehind = weight < least || (weight === least && last !== undefined && at > last);
    if (isBehind || weight < floor) weights[at] = 0;
  }
}

/** As if what the weights were made of had been divided by the temperature. */
export function temper(weights: Float32Array, temperature: number): void {
  const most = heaviest(weights);
  for (let at = 0; at < weights.length; at += 1) {
    const weight = weights[at] ?? 0;
    if (weight > 0) weights[at] = (weight / most) ** (1 / temperature);
  }
}

function heaviest(weights: Float32Array): number {
  let most = 0;
  for (let at = 0; at < weights.length; at += 1) most = Math.max(most, weights[at] ?? 0);
  return most;
}

/** The range where the sum exceeds this, the heaviest first, and what is left of it there. */
function rangeAt(target: number): { readonly range: number; readonly left: number } {
  let left = target;
  let last = { range: 0, left: 0 };
  for (let range = RANGES - 1; range >= 0; range -= 1) {
    const sum = SUMS[range] ?? 0;
    if (sum === 0) continue;
    if (left < sum) return { range, left };
    left -= sum;
    // Sums are rounded: what is beyond them all is the last.
    last = { range, left: Infinity };
  }
  return last;
}

function sorted(weights: Float32Array, bits: Uint32Array, range: number): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at < weights.length; at += 1) {
    if ((bits[at] ?? 0) >>> DROPPED_BITS === range && weights[at] !== 0) found.push(at);
  }
  return found.toSorted((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
}

function within(heaviestFirst: readonly number[], weights: Float32Array, target: number) {
  let left = target;
  for (const at of heaviestFirst) {
    left -= weights[at] ?? 0;
    if (left < 0) return at;
  }
  return heaviestFirst.at(-1);
}
