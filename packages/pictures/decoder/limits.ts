/** What a file may say of itself before it is decoded: read from its header. */

export const SOURCE_MAX_PIXELS = 50_000_000;
export const SOURCE_MAX_SIDE_PIXELS = 32_768;

/** Red, green, blue. */
export const BYTES_PER_PIXEL = 3;
