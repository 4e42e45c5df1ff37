/**
 * Feeds a file to a hash without holding it in memory.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";

const CHUNK_BYTES = 1024 * 1024;

export type HashOptions = {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
};

/** Adds the whole file to `hash`; returns how many bytes it had. */
export async function hashInto(hash: Hash, path: string, options: HashOptions): Promise<number> {
  let total = 0;
  const { signal, onBytes } = options;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal })) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    total += bytes.length;
    onBytes?.(total);
  }
  return total;
}

export async function sha256OfFile(path: string, options: HashOptions): Promise<string> {
  const hash = createHash("sha256");
  await hashInto(hash, path, options);
  return hash.digest("hex");
}
