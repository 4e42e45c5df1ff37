/**
 * Models that look at images, and models that hear, for the refusal of one that does not: only the API service knows them,
 * and only the model server finds out that there is an image or a sound. So it is told with each request.
 */
import type { Directory, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import {
  HEARING_MODELS_HEADER,
  SEEING_MODELS_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";
import type { Response } from "express";
import { visibleTo } from "./model-access.ts";

const NAMED_MAX = 20;

const SENSES = { vision: SEEING_MODELS_HEADER, audio: HEARING_MODELS_HEADER } as const;
type Sense = keyof typeof SENSES;

const known = new WeakMap<Directory, Readonly<Record<Sense, readonly DirectoryModel[]>>>();

/** Of what the model lacks, ids of the models that have it and that the key of the request may use. */
export function ableModelsHeaders(
  res: Response,
  model: DirectoryModel,
  directory: Directory,
): Readonly<Record<string, string>> {
  const able = known.get(directory) ?? ableOf(directory);
  known.set(directory, able);
  const headers: Record<string, string> = {};
  for (const sense of ["vision", "audio"] as const) {
    if (able[sense].length === 0 || has(model, sense)) continue;
    const ids = visibleTo(res, { models: able[sense] }).models.map(({ id }) => id);
    if (ids.length > 0) headers[SENSES[sense]] = ids.slice(0, NAMED_MAX).join(",");
  }
  return headers;
}

function ableOf({ models }: Directory) {
  const able = (sense: Sense) => models.filter((model) => has(model, sense));
  return { vision: able("vision"), audio: able("audio") };
}

function has({ facts }: DirectoryModel, sense: Sense): boolean {
  return facts?.capabilities?.includes(sense) === true;
}
