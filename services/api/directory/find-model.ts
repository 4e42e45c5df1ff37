/**
 * From what a client calls a model to the model that answers, and to why it cannot answer right now.
 *
 * Pure. Whoever has an endpoint is served, whatever its state says: while a changed model loads, the one
 * it replaces still answers.
 */
import { sentence } from "@localmodel/localmodel/contracts/sentence.ts";
import type { Directory, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { invalidRequest, modelNotFound } from "@localmodel/inference/refusals.ts";
import { modelFailed, modelLoading } from "@localmodel/inference/unavailability.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import { foundByName } from "@localmodel/ollama/default-tag.ts";

/** Throws 404 for an unknown id, and 400 when there is none and more than one model could be meant. */
export function findModel(directory: Directory, id: string | undefined): DirectoryModel {
  const { models } = directory;
  if (id !== undefined) {
    const found = lookUp(directory, id);
    if (found === undefined) throw modelNotFound(id, idsOf(directory));
    return found;
  }
  // Who names no model means none of its adapters.
  const [only, ...others] = models.filter(({ parent }) => parent === undefined);
  if (only !== undefined && others.length === 0) return only;
  const ids = idsOf(directory);
  throw invalidRequest(
    "model",
    `Missing required parameter: 'model'. ${ids.length === 0 ? "No model is available." : `Available models: ${ids.map((known) => `\`${known}\``).join(", ")}.`}`,
    "missing_required_parameter",
  );
}

export function lookUp(directory: Directory, id: string): DirectoryModel | undefined {
  const index = indexOf(directory);
  return foundByName(id, (name) => index.get(name));
}

const indexes = new WeakMap<Directory, ReadonlyMap<string, DirectoryModel>>();

/** Every name that leads to a model; made once for each directory. */
function indexOf(directory: Directory): ReadonlyMap<string, DirectoryModel> {
  const known = indexes.get(directory);
  if (known !== undefined) return known;
  const index = new Map<string, DirectoryModel>();
  for (const model of directory.models) if (!index.has(model.id)) index.set(model.id, model);
  // An id comes before an alias: the directory may not know yet that the two collide.
  for (const model of directory.models) {
    for (const alias of model.aliases) if (!index.has(alias)) index.set(alias, model);
  }
  indexes.set(directory, index);
  return index;
}

function idsOf(directory: Directory): readonly string[] {
  return directory.models.map(({ id }) => id);
}

/** Why a model without endpoints cannot answer. */
export function whyNotServing(model: DirectoryModel): Failure {
  const { id, state, message, progress } = model;
  if (state === "failed")
    return modelFailed(`The model \`${id}\` cannot be served: ${sentence(message)}`);
  const percent = progress === undefined ? "" : ` (${Math.floor(progress * 100)} %)`;
  const text = `The model \`${id}\` is not ready yet, it is ${WORDS[state]}${percent}: ${sentence(message)}`;
  return modelLoading(text, RETRY_AFTER_SECONDS[state]);
}

type Unready = Exclude<DirectoryModel["state"], "failed">;

const WORDS: Readonly<Record<Unready, string>> = {
  pending: "waiting to start",
  asleep: "asleep",
  downloading: "downloading",
  loading: "loading",
  restarting: "restarting",
  ready: "starting",
};

const RETRY_AFTER_SECONDS: Readonly<Record<Unready, number>> = {
  pending: 5,
  downloading: 10,
  asleep: 2,
  loading: 2,
  restarting: 2,
  ready: 1,
};
