/**
 * A decoder that embeds: the weights of a chat model, whose header says that the last token's state stands for a text.
 *
 * Two entries more in the header, together a multiple of the alignment long, so that all that follows stays as it is.
 */
import { readFile, writeFile } from "node:fs/promises";

const ALIGNMENT_BYTES = 32;
/** Magic number, version, number of tensors; then the number of entries, and the entries. */
const COUNT_AT = 16;
const ENTRIES_AT = 24;
const TYPE = { u32: 4, string: 8 } as const;
const POOLING_LAST = 3;

export async function writeDecoderEmbedder(from: string, to: string): Promise<void> {
  const file = await readFile(from);
  const count = file.readBigUInt64LE(COUNT_AT);
  const pooling = entry("llama.pooling_type", TYPE.u32, u32(POOLING_LAST));
  const shortest = entry("general.comment", TYPE.string, string(""));
  const short = (pooling.length + shortest.length) % ALIGNMENT_BYTES;
  const filler = " ".repeat((ALIGNMENT_BYTES - short) % ALIGNMENT_BYTES);
  const comment = entry("general.comment", TYPE.string, string(filler));
  const head = Buffer.from(file.subarray(0, ENTRIES_AT));
  head.writeBigUInt64LE(count + 2n, COUNT_AT);
  await writeFile(to, Buffer.concat([head, pooling, comment, file.subarray(ENTRIES_AT)]));
}

function entry(key: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([string(key), u32(type), value]);
}

function string(text: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  return Buffer.concat([length, Buffer.from(text)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
