/**
 * The files of one model: fetched one after the other, then put beside each other.
 *
 * Most models are one file. A split GGUF is several, whose names llama.cpp derives from the first.
 */
import type { PinnedFile } from "@localmodel/localmodel/contracts/pinned-file.ts";
import type { WeightsSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { type Candidate, candidatesOf } from "./source/candidate.ts";
import { type EnsuredFile, ensureFile, type WantedFile } from "./ensure-file.ts";
import { measureParts } from "./part-sizes.ts";
import { partOf } from "./progress/progress.ts";
import type { FetchSession } from "./session.ts";
import { describeSource } from "./source/source-identity.ts";
import { fileNameOf, sourcesOfParts } from "./gguf/split-names.ts";
import { linkParts } from "./cache/split-set.ts";
import { WeightsError } from "./source/weights-error.ts";

export type Weights = {
  /** What to give to llama.cpp. */
  readonly path: string;
  /** Of all parts together. */
  readonly sizeBytes: number;
  /** Of the (first) file; absent for a `file` source without a checksum, which is not hashed. */
  readonly sha256?: string;
  /** All files, in order; one, unless the GGUF is split. */
  readonly parts: readonly string[];
  /** Those of them that the source has a checksum for. */
  readonly pinned: readonly PinnedFile[];
};

/**
 * For each part, where it can be had. Without a checksum nothing tells that a mirror has the same bytes, so a part that
 * has none comes from the source itself.
 */
export function wantedParts(source: WeightsSource): readonly WantedFile[] {
  const candidates = candidatesOf(source).map(sourcesOfParts);
  const [primary = [], ...mirrors] = candidates;
  const odd = mirrors.find((parts) => parts.length !== primary.length)?.[0];
  if (odd !== undefined) {
    throw new WeightsError(
      "InvalidSource",
      `the source has ${primary.length} part(s), but the mirror ${describeSource(odd)} has another number: mirrors must name the same file`,
    );
  }
  const checksums = partChecksums(source, primary.length);
  return primary.map((_, index) => {
    const sha256 = checksums[index];
    const places = sha256 === undefined ? [primary] : candidates;
    return {
      candidates: places.map((parts) => parts[index]).filter((it) => it !== undefined),
      ...(sha256 === undefined ? {} : { sha256 }),
    };
  });
}

/** Of each part, as far as the source has them. */
export function partChecksums(
  { sha256, partsSha256 }: Pick<WeightsSource, "sha256" | "partsSha256">,
  parts: number,
): readonly (string | undefined)[] {
  if (partsSha256 === undefined) return [sha256];
  if (partsSha256.length === parts) return partsSha256;
  throw new WeightsError(
    "InvalidSource",
    `source.partsSha256 has ${partsSha256.length} checksum(s), the GGUF has ${parts} part(s) by its name: it must have one for each, in order`,
  );
}

export async function fetchParts(
  wanted: readonly WantedFile[],
  session: FetchSession,
): Promise<Weights> {
  const sizes = await measureParts(wanted, session);
  const files: EnsuredFile[] = [];
  let best: number | undefined;
  for (const [index, part] of wanted.entries()) {
    const onProgress = partOf(session.onProgress, { index, sizes });
    const candidates = preferring(part.candidates, best);
    const file = await ensureFile({ ...part, candidates }, { ...session, onProgress });
    best = file.deliveredBy?.candidate ?? best;
    sizes[index] = file.sizeBytes;
    files.push(file);
  }
  return weightsOf(files, wanted, session);
}

/** A source that has delivered one part is asked first for the next. */
function preferring(
  candidates: readonly Candidate[],
  best: number | undefined,
): readonly Candidate[] {
  const preferred = candidates.find(({ candidate }) => candidate === best);
  if (preferred === undefined) return candidates;
  return [preferred, ...candidates.filter((it) => it !== preferred)];
}

async function weightsOf(
  files: readonly EnsuredFile[],
  wanted: readonly WantedFile[],
  session: FetchSession,
): Promise<Weights> {
  const lieTogether = files.length === 1 || files.every((it) => it.deliveredBy?.type === "file");
  const named = files.map(({ path }, index) => {
    const [source] = wanted[index]?.candidates ?? [];
    return { path, name: source === undefined ? "" : fileNameOf(source) };
  });
  const parts = lieTogether ? files.map((it) => it.path) : await linkParts(session.cache, named);
  const [path = ""] = parts;
  const sha256 = files[0]?.sha256;
  const sizeBytes = files.reduce((sum, it) => sum + it.sizeBytes, 0);
  const pinned = files.flatMap(({ fingerprint }, index) => {
    const [at, asked] = [parts[index], wanted[index]?.sha256];
    if (at === undefined || asked === undefined || fingerprint === undefined) return [];
    return [{ path: at, sha256: asked, fingerprint }];
  });
  return { path, sizeBytes, parts, pinned, ...(sha256 === undefined ? {} : { sha256 }) };
}
