/**
 * Headers of GGUFs that are nearly right: a good file with some of it changed, and files made by the format's structure
 * with values that nobody would write.
 */
import fc from "fast-check";
import { encodeGguf, type GgufValue, metadataValue } from "./gguf.ts";

/** Numbers at which counts, lengths and products go wrong. */
const EDGES = [0n, 1n, 255n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n, 2n ** 64n - 1n];

type Edit = { readonly at: number; readonly bytes: Buffer; readonly inserted: boolean };

const edge = fc.constantFrom(...EDGES).map((value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
});

function editWithin(headerBytes: number): fc.Arbitrary<Edit> {
  return fc.record({
    at: fc.oneof(fc.nat(31), fc.nat(headerBytes - 1)),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
      edge,
      edge.map((bytes) => bytes.subarray(0, 4)),
    ),
    inserted: fc.boolean(),
  });
}

/** `good` with up to four changes in its first bytes, some of which move what follows; a few are cut short. */
export function changed(good: Buffer, headerBytes: number): fc.Arbitrary<Buffer> {
  const edits = fc.array(editWithin(headerBytes), { minLength: 1, maxLength: 4 });
  const cut = fc.option(fc.nat(good.length), { freq: 8 });
  return fc.tuple(edits, cut).map(([list, length]) => {
    let bytes: Buffer = Buffer.from(good);
    for (const { at, bytes: put, inserted } of list) {
      const rest = bytes.subarray(inserted ? at : at + put.length);
      bytes = Buffer.concat([bytes.subarray(0, at), put, rest]);
    }
    return length === null ? bytes : bytes.subarray(0, length);
  });
}

const ARCHITECTURES = ["llama", "bert", "qwen2", "gemma2", "mamba", "", "llama\0", "x".repeat(300)];
const NUMBERS = ["context_length", "embedding_length", "block_count", "attention.head_count"];
const FURTHER = ["attention.head_count_kv", "feed_forward_length", "vocab_size", "expert_count"];
const GENERAL = ["general.file_type", "general.alignment", "split.no", "split.count"];
const TEXTS = ["tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.chat_template"];

const { bool, f32, f32s, i32s, text, texts, u32 } = metadataValue;
const u32Edge = fc.constantFrom(0, 1, 2, 32, 4096, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1);
const strings = fc.array(fc.string({ unit: "binary", maxLength: 8 }), { maxLength: 20 });

/** A value of a type that may not be the one that belongs to its key. */
const value: fc.Arbitrary<GgufValue> = fc.oneof(
  u32Edge.map(u32),
  fc.float().map(f32),
  fc.boolean().map(bool),
  fc.string({ unit: "binary", maxLength: 40 }).map(text),
  strings.map(texts),
  fc.array(fc.integer(), { maxLength: 20 }).map(i32s),
  fc.array(fc.float(), { maxLength: 20 }).map(f32s),
  // A type and bytes that do not belong together.
  fc.uint8Array({ minLength: 4, maxLength: 40 }).map((bytes) => ({ encoded: Buffer.from(bytes) })),
);

/** Files that keep to the layout, up to where an odd value breaks it. */
export const madeByStructure: fc.Arbitrary<Buffer> = fc
  .record({
    architecture: fc.constantFrom(...ARCHITECTURES),
    numbers: fc.subarray([...NUMBERS, ...FURTHER]),
    general: fc.subarray([...GENERAL, ...TEXTS, "tokenizer.ggml.tokens"]),
    values: fc.array(value, { minLength: 20, maxLength: 20 }),
    others: fc.dictionary(fc.string({ maxLength: 20 }), value, { maxKeys: 4 }),
    rows: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ architecture, numbers, general, values, others, rows }) => {
    const names = [...numbers.map((name) => `${architecture}.${name}`), ...general];
    const known = names.map((name, index) => [name, values[index] ?? u32(1)] as const);
    const tensor = { name: "token_embd.weight", dimensions: [4, rows], type: "f32" } as const;
    return encodeGguf({
      metadata: {
        "general.architecture": text(architecture),
        ...Object.fromEntries(known),
        ...others,
      },
      tensors: [{ ...tensor, values: new Float32Array(4 * rows) }],
    });
  });
