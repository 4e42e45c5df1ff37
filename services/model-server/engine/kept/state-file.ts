/**
 * A kept state as a file: what it stands for, and the bytes of llama.cpp. Pure.
 *
 *   "LMSTATE1" | length of the head | CRC-32 of head and tokens | head as JSON | tokens | state
 *
 * llama.cpp believes what it is given, so a file is used only if all of it is what was written.
 */
import { crc32 } from "node:zlib";

export type StateHead = {
  /** Of the weights, the engine and the settings that it was computed with. */
  readonly fingerprint: string;
  /** Hashed. */
  readonly owner: string;
  readonly tokens: readonly number[];
  readonly stateBytes: number;
  readonly stateCrc32: number;
};

const MAGIC = Buffer.from("LMSTATE1");
const PREFIX_BYTES = MAGIC.length + 8;
const BYTES_PER_TOKEN = 8;
/** Of JSON: it holds two hashes and three numbers. */
const HEAD_MAX_BYTES = 4096;
/** As long as a context can be. */
const TOKENS_MAX = 2 ** 24;

/** All that comes before the state. */
export function encodeHead({ tokens, ...rest }: StateHead): Buffer {
  const json = Buffer.from(JSON.stringify({ ...rest, tokens: tokens.length }));
  const list = Buffer.alloc(tokens.length * BYTES_PER_TOKEN);
  for (const [index, token] of tokens.entries()) list.writeDoubleLE(token, index * BYTES_PER_TOKEN);
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(json.length, 0);
  prefix.writeUInt32LE(crc32(list, crc32(json)), 4);
  return Buffer.concat([MAGIC, prefix, json, list]);
}

/** Bytes from the beginning of a file. Returns undefined where it is none of these, or not whole. */
export function decodeHead(read: (bytes: number) => Buffer): StateHead | undefined {
  const prefix = read(PREFIX_BYTES);
  if (prefix.length < PREFIX_BYTES || !prefix.subarray(0, MAGIC.length).equals(MAGIC))
    return undefined;
  const length = prefix.readUInt32LE(MAGIC.length);
  if (length > HEAD_MAX_BYTES) return undefined;
  const json = read(length);
  const head = json.length < length ? undefined : parsed(json);
  if (head === undefined || head.tokens > TOKENS_MAX) return undefined;
  const list = read(head.tokens * BYTES_PER_TOKEN);
  if (list.length < head.tokens * BYTES_PER_TOKEN) return undefined;
  if (crc32(list, crc32(json)) !== prefix.readUInt32LE(MAGIC.length + 4)) return undefined;
  const tokens = Array.from({ length: head.tokens }, (_, index) =>
    list.readDoubleLE(index * BYTES_PER_TOKEN),
  );
  return { ...head, tokens };
}

type HeadNumbers = Omit<StateHead, "tokens"> & { readonly tokens: number };

function parsed(json: Buffer): HeadNumbers | undefined {
  try {
    const head = JSON.parse(json.toString("utf8")) as HeadNumbers;
    const numbers = [head.tokens, head.stateBytes, head.stateCrc32];
    const isSound = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
    return isSound ? head : undefined;
  } catch {
    return undefined;
  }
}

export type StoredFile = { readonly name: string; readonly bytes: number; readonly usedMs: number };

/** What goes so that so many more bytes fit: what was used longest ago first. */
export function filesToRemove(
  files: readonly StoredFile[],
  { moreBytes, maxBytes }: { readonly moreBytes: number; readonly maxBytes: number },
): readonly string[] {
  let bytes = files.reduce((sum, file) => sum + file.bytes, moreBytes);
  const removed: string[] = [];
  for (const file of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= maxBytes) break;
    bytes -= file.bytes;
    removed.push(file.name);
  }
  return removed;
}
