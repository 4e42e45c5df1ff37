/**
 * Gives the parts of a split GGUF the names llama.cpp looks for.
 *
 * Blobs are named by their content; llama.cpp derives the name of part 2 from that of part 1. So a set
 * gets a folder of links, named by the content of all its parts.
 */
import { mkdir, mkdtemp, readlink, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { randomUUID } from "node:crypto";
import type { CacheLayout } from "./cache-layout.ts";
import { onDisk } from "./disk-space.ts";
import { WeightsError } from "../source/weights-error.ts";

type NamedPart = { readonly name: string; readonly path: string };

/** Returns the paths of the parts under their names, in order. */
export async function linkParts(
  cache: CacheLayout,
  parts: readonly NamedPart[],
): Promise<readonly string[]> {
  const folder = cache.setFolder(parts.map((part) => part.path));
  try {
    return await onDisk(cache.root, () => linkInto(folder, parts));
  } catch (error) {
    if (!(error instanceof WeightsError) || error.reason !== "CacheUnusable") throw error;
    // The cache cannot be written to. Nobody else may know the name of this folder before it is there.
    const elsewhere = await mkdtemp(join(tmpdir(), "localmodel-set-"));
    return onDisk(elsewhere, () => linkInto(elsewhere, parts));
  }
}

async function linkInto(folder: string, parts: readonly NamedPart[]): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(parts.map((part) => linkPart(folder, part)));
}

async function linkPart(folder: string, { name, path }: NamedPart): Promise<string> {
  const link = join(folder, name);
  const target = relative(dirname(link), path); // Relative, so that the cache can be moved or mounted.
  if ((await readlink(link).catch(() => undefined)) === target) return link;
  const temporary = `${link}.${randomUUID()}.tmp`;
  await symlink(target, temporary);
  try {
    await rename(temporary, link);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return link;
}
