/**
 * A decoder that embeds: the weights of a chat model, whose header says that the last token's state stands for a text.
 *
 * Two entries more in the header, together a multiple of the alignment long, so that all that follows stays as it is.
 */
import { readFile, writeFile } from "node:fs/promises";
import { encodeEntry, metadataValue } from "../../test/support/gguf.ts";

const ALIGNMENT_BYTES = 32;
/** Magic number, version, number of tensors; then the number of entries, and the entries. */
const COUNT_AT = 16;
const ENTRIES_AT = 24;
const POOLING_LAST = 3;

export async function writeDecoderEmbedder(from: string, to: string): Promise<void> {
  const file = await readFile(from);
  const count = file.readBigUInt64LE(COUNT_AT);
  const pooling = encodeEntry("llama.pooling_type", metadataValue.u32(POOLING_LAST));
  const shortest = encodeEntry("general.comment", metadataValue.text(""));
  const short = (pooling.length + shortest.length) % ALIGNMENT_BYTES;
  const filler = " ".repeat((ALIGNMENT_BYTES - short) % ALIGNMENT_BYTES);
  const comment = encodeEntry("general.comment", metadataValue.text(filler));
  const head = Buffer.from(file.subarray(0, ENTRIES_AT));
  head.writeBigUInt64LE(count + 2n, COUNT_AT);
  await writeFile(to, Buffer.concat([head, pooling, comment, file.subarray(ENTRIES_AT)]));
}
