/**
 * What a folder has to be served: documents (`*.yaml`, `*.yml`, `*.json`) and weights (`*.gguf`) at any depth, in
 * upper or lower case, sorted by path.
 *
 * Hidden entries are left out: editors and mounted ConfigMaps keep copies in them.
 */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";

const DEPTH_MAX = 8;
const FILES_MAX = 10_000;
const EXTENSIONS: ReadonlySet<string> = new Set([".yaml", ".yml", ".json", ".gguf"]);

/** Throws what reading a folder throws, and when there is more than `FILES_MAX`. */
export async function listFolder(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of walk(folder, DEPTH_MAX)) {
    files.push(file);
    if (files.length > FILES_MAX)
      throw new Error(`it has more than ${FILES_MAX} documents and weights`);
  }
  return files.toSorted();
}

async function* walk(folder: string, depth: number): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const child = path.join(folder, entry.name);
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    if (entry.isDirectory() && depth > 1) yield* walk(child, depth - 1);
    else if (EXTENSIONS.has(extensionOf(entry.name)) && (await isFile(entry, child))) yield child;
  }
}

function extensionOf(name: string): string {
  return path.extname(name).toLowerCase();
}

/** A link to a file counts, a link to a folder does not: it could lead in circles. */
async function isFile(entry: Dirent, child: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  const target = await stat(child).catch(() => undefined);
  return target?.isFile() === true;
}
