/**
 * How large bodies of requests may be at a model server: what its context can hold decides, so that the memory they take
 * is known before there is a pod.
 */

const MEBIBYTE = 2 ** 20;
/** Room for batches, for token ids as numbers, and for what a prompt is wrapped in. */
const LEAST_BYTES = 4 * MEBIBYTE;
/** A token of JSON is some four to six bytes; escapes make it six times as many. */
const BYTES_PER_TOKEN = 32;
const MOST_BYTES = 32 * MEBIBYTE;

/** Of one body, unpacked. Images come as text in it, a picture of 20 MiB as 27. */
export function bodyMaxBytes(contextTokens: number, takesImages = false): number {
  if (takesImages) return MOST_BYTES;
  return Math.min(MOST_BYTES, LEAST_BYTES + BYTES_PER_TOKEN * contextTokens);
}

/** Of all that a server holds at a time. One owner never has more than half of it. */
export function bodiesMaxBytes(contextTokens: number, takesImages = false): number {
  return 2 * bodyMaxBytes(contextTokens, takesImages);
}
