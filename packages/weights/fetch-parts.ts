/**
 * The files of one model: fetched one after the other, then put beside each other.
 *
 * Most models are one file. A split GGUF is several, whose names llama.cpp derives from the first.
 */
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
};

/** For each part, where it can be had. The checksum is that of the first. */
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
  return primary.map((_, index) => {
    const { sha256 } = source;
    return {
      candidates: candidates.map((parts) => parts[index]).filter((it) => it !== undefined),
      ...(index === 0 && sha256 !== undefined ? { sha256 } : {}),
    };
  });
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
    if (file.deliveredBy !== undefined) best = part.candidates.indexOf(file.deliveredBy);
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
  const preferred = best === undefined ? undefined : candidates[best];
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
  return { path, sizeBytes, parts, ...(sha256 === undefined ? {} : { sha256 }) };
}
