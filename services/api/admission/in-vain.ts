/**
 * Requests that would wake a model in vain are refused before: loading it may take others from memory, and then it would
 * refuse them itself.
 *
 * Only what is certain without the model, and cheap: that its prompt is a list where it has to be one, and that a model
 * whose header says that it embeds does not generate, or the other way round. In a cluster what is known of a model that
 * sleeps may be of weights that it had before, so there it is asked.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { lacksCapability } from "@localmodel/inference/refusals.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { notAList } from "@localmodel/openai/parsing/issue.ts";
import { parseShortJson } from "@localmodel/openai/parsing/json.ts";
import type { RequestHandler } from "express";
import { lookUp } from "../directory/find-model.ts";
import type { ModelDirectory } from "../directory/model-directory.ts";
import { contextOf } from "../request/context.ts";
import type { Reference } from "../request/reference.ts";
import { sleeps } from "./capacity.ts";

export function refuseInVain(directory: ModelDirectory, endpoint: Endpoint): RequestHandler {
  return (_req, res, next) => {
    const { reference, modelId } = contextOf(res);
    const name = modelId ?? reference?.model;
    if (reference === undefined || name === undefined || !directory.known) return next();
    const model = lookUp(directory.current(), name);
    if (model !== undefined && sleeps(model) && model.endpoints.length === 0) {
      requireList(reference, endpoint);
      if (model.scales !== true) requireKind(model, endpoint);
    }
    next();
  };
}

const KINDS = ["embeddings", "rerank"] as const;

/** Whether it chats is known only once it is loaded: a chat template may be missing, or be of no use. */
function requireKind({ id, facts }: DirectoryModel, { capability }: Endpoint): void {
  const { capabilities } = facts ?? {};
  if (capability === undefined || capabilities === undefined) return;
  const its = KINDS.find((kind) => capabilities.includes(kind));
  const asked = KINDS.find((kind) => kind === capability);
  if (its !== asked) throw lacksCapability(id, capability, capabilities);
}

const NULL = "n".charCodeAt(0);
const STRING = '"'.charCodeAt(0);
const LIST = "[".charCodeAt(0);
const OBJECT = "{".charCodeAt(0);

/** By the first byte: what is wrong further inside is for the model server to refuse. */
function requireList({ body, prompt }: Reference, { promptIsList, fields }: Endpoint): void {
  if (promptIsList === undefined || prompt === undefined) return;
  const { start, ends } = prompt;
  const first = body[start];
  if (first === LIST || first === NULL) return;
  if (first === STRING) throw notAList(fields.prompt, "");
  if (first === OBJECT) throw notAList(fields.prompt, {});
  throw notAList(fields.prompt, parseShortJson(body.subarray(start, ends.at(-1))));
}
