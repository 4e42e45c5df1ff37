/**
 * What the files of a model say of themselves, before any memory is claimed for them.
 *
 * llama.cpp answers any unreadable file with one sentence for all; the usual mistakes deserve more.
 */
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { encoderBytesOf } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { architectureOf } from "@localmodel/weights/gguf/capabilities.ts";
import { encoderBytes } from "@localmodel/weights/gguf/encoder-memory.ts";
import { HEAD_BYTES, problemOfHead, requireGguf } from "@localmodel/weights/gguf/gguf-check.ts";
import type { GgufValues } from "@localmodel/weights/gguf/gguf-header.ts";
import { type Metadata, metadataOf } from "@localmodel/weights/gguf/metadata.ts";
import {
  PROJECTOR_ARCHITECTURE,
  unsupportedKind,
} from "@localmodel/weights/gguf/projector-kind.ts";
import { parseSplitName, withPart } from "@localmodel/weights/gguf/split-names.ts";
import { WeightsError } from "@localmodel/weights/source/weights-error.ts";
import { NotAGgufError } from "./load-error.ts";

type ModelFiles = {
  readonly metadata: Metadata;
  /** Of the weights, all parts and headers: what was downloaded. */
  readonly sizeBytes: number;
  /** 0 where there is none. */
  readonly projectorBytes: number;
  readonly draftBytes: number;
  /** What the projector computes in. */
  readonly encoderBytes: number;
};

/** Throws what is wrong with any of them. */
export async function modelFilesOf(config: ServerConfig): Promise<ModelFiles> {
  const metadata = await metadataIn(config.weightsPath);
  for (const { path } of config.adapters) await metadataIn(path);
  const projector = await projectorOf(config);
  const draftBytes = await draftBytesOf(config);
  return { metadata, sizeBytes: await fileBytes(config.weightsPath), ...projector, draftBytes };
}

/** What is on devices beside the weights. */
export function besideBytes({
  projectorBytes,
  encoderBytes: encoder,
  draftBytes,
}: ModelFiles): number {
  return projectorBytes + encoder + draftBytes;
}

async function draftBytesOf({ draftPath }: ServerConfig): Promise<number> {
  if (draftPath === undefined) return 0;
  await metadataIn(draftPath);
  return fileBytes(draftPath);
}

async function projectorOf({
  projectorPath,
}: ServerConfig): Promise<Pick<ModelFiles, "projectorBytes" | "encoderBytes">> {
  if (projectorPath === undefined) return { projectorBytes: 0, encoderBytes: 0 };
  const values = await valuesIn(projectorPath);
  const architecture = architectureOf(metadataOf(values));
  if (architecture !== PROJECTOR_ARCHITECTURE) {
    throw new Error(
      `${projectorPath} is no projector (mmproj), but of the architecture "${architecture}"`,
    );
  }
  const unsupported = unsupportedKind(values);
  if (unsupported !== undefined) throw new Error(`${projectorPath} cannot be used: ${unsupported}`);
  const projectorBytes = await fileBytes(projectorPath);
  return { projectorBytes, encoderBytes: encoderBytesOf({ encoderBytes: encoderBytes(values) }) };
}

async function fileBytes(path: string): Promise<number> {
  const { parts = 1 } = parseSplitName(path) ?? {};
  const paths = Array.from({ length: parts }, (_, index) => withPart(path, index + 1));
  const sizes = await Promise.all(paths.map(async (part) => (await stat(part)).size));
  return sizes.reduce((total, size) => total + size, 0);
}

async function metadataIn(path: string): Promise<Metadata> {
  return metadataOf(await valuesIn(path));
}

async function valuesIn(path: string): Promise<GgufValues> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const problem = problemOfHead(buffer.subarray(0, bytesRead));
    if (problem === undefined) return await possibleValues(path);
    throw new NotAGgufError(`${path} is not a GGUF file: ${problem}`);
  } finally {
    await file.close();
  }
}

/** Whoever fetched the file has looked already; a file that was put here has met nobody. */
async function possibleValues(path: string): Promise<GgufValues> {
  try {
    return (await requireGguf(path, basename(path))).values;
  } catch (error) {
    // What is incomplete or misnamed, llama.cpp says itself.
    if (!(error instanceof WeightsError) || error.reason !== "NotAGguf") return new Map();
    throw new NotAGgufError(`${path} is ${error.message}`);
  }
}
