/**
 * Another number of samples a second. Pure.
 *
 * Each new sample is a mean of those around its place, weighted by a sine that ends in a window: what is too high for the
 * lower of both rates is left out, since it would be heard as something else.
 */

/** Crossings of zero of the sine, to each side. */
const CROSSINGS = 16;
/** Places between two samples for which weights are known. */
const PHASES = 512;

export function resampled(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const cutoff = Math.min(1, to / from);
  const reach = Math.ceil(CROSSINGS / cutoff);
  const weights = weightsOf(cutoff, reach);
  const step = from / to;
  const made = new Float32Array(Math.max(1, Math.floor(samples.length / step)));
  for (let index = 0; index < made.length; index++) {
    const place = index * step;
    const before = Math.floor(place);
    const phase = Math.min(PHASES - 1, Math.floor((place - before) * PHASES));
    const first = before - reach + 1;
    const row = phase * 2 * reach;
    let sum = 0;
    for (let tap = Math.max(0, -first); tap < 2 * reach && first + tap < samples.length; tap++) {
      sum += (samples[first + tap] ?? 0) * (weights[row + tap] ?? 0);
    }
    made[index] = sum;
  }
  return made;
}

/** Of each phase, those of the samples around it. They add up to one, so that silence is silence and loudness stays. */
function weightsOf(cutoff: number, reach: number): Float32Array {
  const taps = 2 * reach;
  const weights = new Float32Array(PHASES * taps);
  for (let phase = 0; phase < PHASES; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = tap - reach + 1 - phase / PHASES;
      const weight = sinc(distance * cutoff) * window(distance / reach);
      weights[phase * taps + tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) weights[phase * taps + tap]! /= sum;
  }
  return weights;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Hann's: one in the middle, nothing at both ends. */
function window(x: number): number {
  return Math.abs(x) >= 1 ? 0 : 0.5 + 0.5 * Math.cos(Math.PI * x);
}
