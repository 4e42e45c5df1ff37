/**
 * Models that look at images, for the refusal of one that does not: only the API service knows them, and only the model
 * server finds out that there is an image. So it is told with each request to a model that reads text alone.
 */
import type { Directory, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { Response } from "express";
import { visibleTo } from "./model-access.ts";

const NAMED_MAX = 20;

const known = new WeakMap<Directory, readonly DirectoryModel[]>();

/** Ids of those that the key of the request may use. */
export function seeingModels(res: Response, directory: Directory): readonly string[] {
  const all = known.get(directory) ?? directory.models.filter(sees);
  known.set(directory, all);
  if (all.length === 0) return [];
  return visibleTo(res, { models: all })
    .models.slice(0, NAMED_MAX)
    .map(({ id }) => id);
}

export function sees({ facts }: DirectoryModel): boolean {
  return facts?.capabilities?.includes("vision") === true;
}
