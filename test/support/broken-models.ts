/**
 * Files a download can leave where a GGUF should be. None of them may ever be served.
 */
import { readFile, writeFile } from "node:fs/promises";

/** The first part of a good file: `fraction` of its bytes. */
export async function writeTruncated(
  path: string,
  goodPath: string,
  fraction: number,
): Promise<void> {
  const bytes = await readFile(goodPath);
  await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * fraction)));
}

/** What a proxy or a login page answers instead of the file. */
export async function writeHtml(path: string): Promise<void> {
  await writeFile(path, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n");
}

/** A good file whose first four bytes are not "GGUF". */
export async function writeWrongMagic(path: string, goodPath: string): Promise<void> {
  const bytes = await readFile(goodPath);
  bytes.write("ZIPF", 0, "latin1");
  await writeFile(path, bytes);
}
