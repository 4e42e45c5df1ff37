/**
 * Requests that ask for nothing but to be rid of a model, as `ollama stop` sends them (`keep_alive` 0 and no prompt), are
 * answered here: sent on, they would wake a model that sleeps, to tell it to sleep.
 *
 * Only what is true is answered so. A model that stays loaded, or whose servers a cluster decides about, is asked like any
 * other, and says that it is loaded.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { RequestHandler } from "express";
import { findModel } from "../directory/find-model.ts";
import type { ModelDirectory } from "../directory/model-directory.ts";
import { contextOf, note } from "../request/context.ts";
import { sleeps } from "./capacity.ts";
import type { DemandBook } from "./demand.ts";

export function letSleep(
  { directory, demand }: { readonly directory: ModelDirectory; readonly demand: DemandBook },
  { emptyAsk }: Endpoint,
): RequestHandler {
  return (_req, res, next) => {
    const { reference, modelId } = contextOf(res);
    if (emptyAsk === undefined || reference?.isEmpty !== true || reference.keepAliveSeconds !== 0)
      return next();
    const model = findModel(directory.current(), modelId ?? reference.model);
    if (!isLetGo(model)) return next();
    const { id, scales = false } = model;
    // As after any request that says so: as soon as nobody uses it, until the next one says otherwise.
    if (!scales) demand.ask(model, 0)[Symbol.dispose]();
    note(res, { model: id });
    res.json(emptyAsk.unloaded({ model: id, created: Math.floor(Date.now() / 1000) }));
  };
}

/** On one machine whatever may sleep; in a cluster what does. */
function isLetGo(model: DirectoryModel): boolean {
  return sleeps(model) && (model.scales !== true || model.endpoints.length === 0);
}
