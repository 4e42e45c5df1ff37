/**
 * How big the parts of a split GGUF are, asked before the first one is downloaded: so that progress can
 * be told of the whole, and a disk that is too small is found out at once and not after part 7.
 *
 * Only a courtesy: when no source answers, sizes stay unknown and each part is checked by itself.
 */
import { stat } from "node:fs/promises";
import { requireSpace } from "./cache/disk-space.ts";
import { partialKeyOf, type WantedFile } from "./ensure-file.ts";
import type { FetchSession } from "./session.ts";
import { readIndex } from "./cache/source-index.ts";
import type { Candidate } from "./source/candidate.ts";
import { askSize } from "./web/ask-size.ts";
import { isWebSource } from "./web/web-location.ts";

const QUESTIONS_AT_ONCE = 8;

/** One size per part, undefined where nobody says. Throws only if the disk is too small for all. */
export async function measureParts(
  wanted: readonly WantedFile[],
  session: FetchSession,
): Promise<(number | undefined)[]> {
  if (wanted.length === 1) return [undefined];
  const known = await Promise.all(wanted.map((part) => knownSize(part, session)));
  if (known.every((size) => size !== undefined)) return known;
  const candidateCount = wanted[0]?.candidates.length ?? 0;
  for (let index = 0; index < candidateCount; index += 1) {
    const sizes = await askAll(wanted, index, session);
    if (sizes === undefined) continue;
    await requireSpaceForAll(wanted, sizes, session);
    return sizes;
  }
  return wanted.map(() => undefined);
}

/** Of a part that has been in the cache before; it may be fetched again, but hardly in another size. */
async function knownSize(
  { candidates }: WantedFile,
  { cache }: FetchSession,
): Promise<number | undefined> {
  const records = await Promise.all(candidates.map((source) => readIndex(cache, source)));
  return records.find((record) => record !== undefined)?.sizeBytes;
}

async function askAll(
  wanted: readonly WantedFile[],
  candidate: number,
  session: FetchSession,
): Promise<(number | undefined)[] | undefined> {
  const sizes: (number | undefined)[] = [];
  for (let start = 0; start < wanted.length; start += QUESTIONS_AT_ONCE) {
    const group = wanted.slice(start, start + QUESTIONS_AT_ONCE);
    const answers = await Promise.all(
      group.map(({ candidates }) => sizeAt(candidates[candidate], session)),
    );
    if (start === 0 && answers[0] === undefined) return undefined;
    sizes.push(...answers);
  }
  return sizes;
}

async function sizeAt(
  source: Candidate | undefined,
  session: FetchSession,
): Promise<number | undefined> {
  return source !== undefined && isWebSource(source) ? askSize(source, session) : undefined;
}

async function requireSpaceForAll(
  wanted: readonly WantedFile[],
  sizes: readonly (number | undefined)[],
  session: FetchSession,
): Promise<void> {
  const missing = await Promise.all(
    wanted.map(async (part, index) => {
      if ((await knownSize(part, session)) !== undefined) return 0;
      const partial = await stat(session.cache.partial(partialKeyOf(part))).catch(() => undefined);
      return Math.max(0, (sizes[index] ?? 0) - (partial?.size ?? 0));
    }),
  );
  await requireSpace(
    session.cache.root,
    missing.reduce((sum, bytes) => sum + bytes, 0),
  );
}
