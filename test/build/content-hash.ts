/**
 * Names what has been built after what it was built from, so that nothing is built twice and nothing stale is used.
 */
import { createHash, type Hash } from "node:crypto";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Of files by their names and contents, and of texts: versions, commands, other hashes. */
export async function contentHash(
  folder: string,
  patterns: readonly string[],
  texts: readonly string[] = [],
): Promise<string> {
  const hash = createHash("sha256");
  for (const text of texts) add(hash, text);
  const entries = await Array.fromAsync(
    glob([...patterns], {
      cwd: folder,
      exclude: ({ name }) => name === "node_modules",
      withFileTypes: true,
    }),
  );
  const files = entries.filter((entry) => entry.isFile());
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).toSorted()) {
    add(hash, path.slice(folder.length));
    add(hash, await readFile(path));
  }
  return hash.digest("hex").slice(0, 16);
}

/** With its length, so that what follows cannot be taken for a part of it. */
function add(hash: Hash, content: string | Buffer): void {
  hash.update(`${Buffer.byteLength(content)}:`).update(content);
}
