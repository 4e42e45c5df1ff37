/**
 * Random numbers that are the same on every machine for the same seed (the "mulberry32" generator).
 *
 * Models made by tests must not differ between runs, so nothing here touches Math.random.
 */

/** Uniform numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A bell curve around zero: the sum of twelve uniform numbers has variance 1, without any libm. */
export function normalValues(
  random: () => number,
  count: number,
  standardDeviation: number,
): Float32Array {
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 1) {
    let sum = -6;
    for (let term = 0; term < 12; term += 1) sum += random();
    values[index] = sum * standardDeviation;
  }
  return values;
}
