/**
 * Which models a key may use: all others do not exist for it.
 *
 * They are left out of lists and answered with the 404 of an unknown model, whose sentence ("does not exist
 * or you do not have access to it") is OpenAI's for both: a name must not be found out by trying.
 */
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import type { Directory, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { RequestHandler, Response } from "express";
import type { ModelDirectory } from "../directory/model-directory.ts";
import { contextOf } from "../request/context.ts";
import { findModel } from "../directory/find-model.ts";

/** The directory as whoever sent this request may see it. */
export function visibleTo(res: Response, directory: Directory): Directory {
  const key = contextOf(res).key;
  if (key === undefined || mayUseAll(key)) return directory;
  return { models: directory.models.filter((model) => mayUse(key, model)) };
}

/** Follows `readReference`. A request that names no model means the only one its key may use. */
export function restrictModel(directory: ModelDirectory): RequestHandler {
  return (_req, res, next) => {
    const key = contextOf(res).key;
    if (key !== undefined && !mayUseAll(key)) {
      const context = contextOf(res);
      const visible = visibleTo(res, directory.current());
      context.modelId = findModel(visible, context.reference?.model).id;
    }
    next();
  };
}

function mayUseAll({ models }: ApiKey): boolean {
  return models.includes("*");
}

/** A model goes by its id and its aliases; to be allowed one of them is to be allowed the model. */
function mayUse({ models }: Pick<ApiKey, "models">, model: DirectoryModel): boolean {
  return [model.id, ...model.aliases].some((name) => models.some((glob) => matches(glob, name)));
}

/** `*` stands for any characters, slashes included; nothing else is special. Linear in both lengths' product. */
export function matches(glob: string, name: string): boolean {
  const [first = "", ...rest] = glob.split("*");
  const last = rest.pop();
  if (last === undefined) return name === glob;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
