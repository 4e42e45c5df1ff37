/**
 * Sizes of GGML tensor types: how many bytes one block takes, and how many elements it holds.
 *
 * Needed only to know how long a GGUF must be. A type that is missing here (llama.cpp adds some every
 * year) makes the check weaker, never wrong. Retired type numbers are left out.
 */

type BlockFormat = { readonly elements: bigint; readonly bytes: bigint };

function block(elements: number, bytes: number): BlockFormat {
  return { elements: BigInt(elements), bytes: BigInt(bytes) };
}

const BLOCK_FORMATS: ReadonlyMap<number, BlockFormat> = new Map([
  [0, block(1, 4)], // F32
  [1, block(1, 2)], // F16
  [2, block(32, 18)], // Q4_0
  [3, block(32, 20)], // Q4_1
  [6, block(32, 22)], // Q5_0
  [7, block(32, 24)], // Q5_1
  [8, block(32, 34)], // Q8_0
  [9, block(32, 36)], // Q8_1
  [10, block(256, 84)], // Q2_K
  [11, block(256, 110)], // Q3_K
  [12, block(256, 144)], // Q4_K
  [13, block(256, 176)], // Q5_K
  [14, block(256, 210)], // Q6_K
  [15, block(256, 292)], // Q8_K
  [16, block(256, 66)], // IQ2_XXS
  [17, block(256, 74)], // IQ2_XS
  [18, block(256, 98)], // IQ3_XXS
  [19, block(256, 50)], // IQ1_S
  [20, block(32, 18)], // IQ4_NL
  [21, block(256, 110)], // IQ3_S
  [22, block(256, 82)], // IQ2_S
  [23, block(256, 136)], // IQ4_XS
  [24, block(1, 1)], // I8
  [25, block(1, 2)], // I16
  [26, block(1, 4)], // I32
  [27, block(1, 8)], // I64
  [28, block(1, 8)], // F64
  [29, block(256, 56)], // IQ1_M
  [30, block(1, 2)], // BF16
  [34, block(256, 54)], // TQ1_0
  [35, block(256, 66)], // TQ2_0
  [39, block(32, 17)], // MXFP4
]);

/** No type has more. */
const ELEMENT_BYTES_MAX = 8n;

/** Bytes a tensor occupies at least and at most: 0n to 8 bytes an element when its type is unknown here. */
export function tensorBytes(type: number, elements: bigint): { least: bigint; most: bigint } {
  const format = BLOCK_FORMATS.get(type);
  if (format === undefined) return { least: 0n, most: elements * ELEMENT_BYTES_MAX };
  const bytes = (elements * format.bytes) / format.elements;
  return { least: bytes, most: bytes };
}
