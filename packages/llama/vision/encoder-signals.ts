/** What the thread that looks and the one that asks tell each other while a picture is looked at: numbers they share. */

/** No longer 0 when what is looked at is not wanted any more. */
export const STOP = 0;
/** Counts on with the work that is done. A GPU takes all of a picture at once, so nothing is counted there. */
export const PROGRESS = 1;

export type EncoderSignals = Int32Array<SharedArrayBuffer>;

export function encoderSignals(): EncoderSignals {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}
