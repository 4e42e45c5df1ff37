/**
 * What pictures and sounds take of a model server's memory, so that it is known before there is a pod.
 *
 * Each picture is decoded to at most four megapixels of three bytes, and those of one request to 24 together. Sounds of a
 * request are some minutes long together, which is less than its pictures may be.
 */

const MEBIBYTE = 2 ** 20;
const BYTES_PER_PIXEL = 3;
const FLOAT_BYTES = 4;
/** Three numbers of a row's place in a plane. */
const PLACE_BYTES = 12;
/** Requests that fill a context with what they show: one is looked at while the other is evaluated. */
const ROWS_CONTEXTS = 2;

/** Of one picture, as a model gets it: larger ones are made smaller. No encoder of today sees more. */
export const PICTURE_MAX_PIXELS = 4_000_000;
/** Of all pictures of a request. */
export const REQUEST_MAX_PIXELS = 24_000_000;
/** All sounds of a request together. */
export const REQUEST_MAX_SOUND_SECONDS = 600;
/** What its pictures become, or its sounds. */
export const REQUEST_MAX_BYTES = REQUEST_MAX_PIXELS * BYTES_PER_PIXEL;
/** Decoded pictures and sounds of all requests that are inside: of two large ones. */
export const PICTURES_MAX_BYTES = 2 * REQUEST_MAX_BYTES;
/** Files of a request that are fetched: as many bytes as the body may have of one that sends them. */
export const REQUEST_FETCHED_MAX_BYTES = 32 * MEBIBYTE;
/** Of all requests that are inside, until they are decoded. */
export const FETCHED_MAX_BYTES = 2 * REQUEST_FETCHED_MAX_BYTES;
/** The process that decodes: what the largest picture needs that has to be in memory whole, and as much again. */
export const DECODER_MAX_BYTES = 512 * MEBIBYTE;

/** Of one of the rows that pictures and sounds become. */
export function rowBytes(dimensions: number): number {
  return FLOAT_BYTES * dimensions + PLACE_BYTES;
}

/** Rows of all requests that are inside, until they are evaluated, and of what was looked at lately. */
export function rowsMaxBytes(contextTokens: number, dimensions: number): number {
  return ROWS_CONTEXTS * contextTokens * rowBytes(dimensions);
}
