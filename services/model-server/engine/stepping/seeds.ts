/**
 * Every choice gets a 32-bit seed of its own.
 *
 * The engine's default is the clock in seconds, which makes twins of requests that arrive together; so
 * a request without a seed gets a random one, and choices of one request never share theirs. The first
 * choice of a request keeps the seed as given, so `n` does not change what it answers.
 */
import { randomInt } from "node:crypto";

/** llama.cpp takes the largest one to mean "any seed will do", and then draws another at every use. */
const ANY_SEED = 2 ** 32 - 1;

export function choiceSeed(requested: number | undefined, choice: number): number {
  if (requested === undefined) return randomInt(ANY_SEED);
  const seed = mix(fold(requested), choice);
  return seed === ANY_SEED ? ANY_SEED - 1 : seed;
}

/** Any number JSON can hold, on 32 bits: small non-negative seeds stay what they are. */
function fold(seed: number): number {
  const whole = Math.trunc(seed);
  const low = whole >>> 0;
  const high = Math.trunc((whole - low) / 2 ** 32);
  return (low ^ Math.imul(high | 0, 0x9e3779b1)) >>> 0;
}

/** Avalanches `choice` into the seed; choice 0 leaves it alone. */
function mix(seed: number, choice: number): number {
  if (choice === 0) return seed;
  let hash = (seed + Math.imul(choice, 0x9e3779b9)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
