/**
 * Split GGUFs: `name-00001-of-00003.gguf` and its siblings.
 *
 * llama.cpp is given the first part and derives the names of the others from it, so the names carry
 * meaning: all parts must lie in one folder under exactly these names.
 */
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { WeightsError } from "../source/weights-error.ts";

const SPLIT_NAME = /-(\d{5})-of-(\d{5})\.gguf$/;
const MAX_PARTS = 1000;

type SplitName = { readonly part: number; readonly parts: number };

/** Which part of how many a file name says it is; undefined for a file that is whole. */
export function parseSplitName(name: string): SplitName | undefined {
  const match = SPLIT_NAME.exec(name);
  if (match === null) return undefined;
  return { part: Number(match[1]), parts: Number(match[2]) };
}

export function withPart(name: string, part: number): string {
  return name.replace(
    SPLIT_NAME,
    (_, __, parts: string) => `-${String(part).padStart(5, "0")}-of-${parts}.gguf`,
  );
}

/** One source per part, in order; a source of a whole file comes back alone. */
export function sourcesOfParts<Source extends SingleSource>(source: Source): readonly Source[] {
  const name = filePathOf(source);
  const split = parseSplitName(name);
  if (split === undefined) return [source];
  if (split.part !== 1 || split.parts < 1 || split.parts > MAX_PARTS) {
    throw new WeightsError(
      "InvalidSource",
      `"${name}" is part ${split.part} of ${split.parts}: the source must name the first part, "${withPart(name, 1)}", of at most ${MAX_PARTS}`,
    );
  }
  return Array.from({ length: split.parts }, (_, index) =>
    withFilePath(source, withPart(name, index + 1)),
  );
}

/** The last component of the file's name, as the cache folder shows it. */
export function fileNameOf(source: SingleSource): string {
  const path = filePathOf(source);
  return path.slice(path.lastIndexOf("/") + 1);
}

function filePathOf(source: SingleSource): string {
  if (source.type === "huggingFace") return source.file;
  if (source.type === "s3") return source.key;
  return source.type === "http" ? decodedPath(new URL(source.url)) : source.path;
}

function withFilePath<Source extends SingleSource>(source: Source, path: string): Source {
  if (source.type === "huggingFace") return { ...source, file: path };
  if (source.type === "s3") return { ...source, key: path };
  if (source.type !== "http") return { ...source, path };
  const url = new URL(source.url);
  url.pathname = path.split("/").map(encodeURIComponent).join("/");
  return { ...source, url: url.href };
}

function decodedPath(url: URL): string {
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    return url.pathname; // A stray "%" is part of the name.
  }
}
