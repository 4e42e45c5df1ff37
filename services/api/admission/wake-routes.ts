/**
 * POST /v1/models/{id}/load and /unload: what requests do by themselves, on demand.
 *
 * A load waits as any request does that wakes a model, and takes its place only to give it back: so it is bounded as
 * they are, answered with the same causes, and stopped when its client hangs up and nobody else waits.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { type Request, type RequestHandler, Router } from "express";
import { findModel } from "../directory/find-model.ts";
import type { ModelDirectory } from "../directory/model-directory.ts";
import { tenantOf } from "../request/context.ts";
import { ClientGone, type OpenRequests } from "../upstream/open-requests.ts";
import type { Admission } from "./admission.ts";
import { sleeps } from "./capacity.ts";
import type { DemandBook } from "./demand.ts";

type WakeOptions = {
  readonly directory: ModelDirectory;
  readonly requests: OpenRequests;
  readonly admission: Admission;
  readonly demand: DemandBook;
  /** Who may. */
  readonly guard: RequestHandler;
};

export function wakeRoutes(options: WakeOptions): Router {
  const { guard } = options;
  return Router()
    .post("/v1/models/*id/load", guard, load(options))
    .post("/v1/models/*id/unload", guard, unload(options));
}

function load({ directory, requests, admission, demand }: WakeOptions): RequestHandler {
  return async (req, res) => {
    const model = find(directory, req);
    using open = requests.begin(res);
    using _asked = demand.ask(model, undefined);
    try {
      const visitor = { tenant: tenantOf(res), patienceSeconds: Infinity, open };
      using _place = await admission.enter(model, visitor);
      const { id, state } = find(directory, req);
      res.json({ id, state });
    } catch (thrown) {
      if (!(open.reason instanceof ClientGone)) throw thrown;
    }
  };
}

function unload({ directory, admission }: WakeOptions): RequestHandler {
  return (req, res) => {
    const model = find(directory, req);
    const { id, state } = model;
    if (!sleeps(model) || directory.sleep === undefined) throw staysLoaded(id);
    directory.sleep.unload(model);
    const isInUse = admission.inside(id) + admission.waiting(id) > 0;
    const message = isInUse
      ? "It goes to sleep when the requests that use it have been answered."
      : "It goes to sleep.";
    res.status(202).json({ id, state, message });
  };
}

function staysLoaded(id: string) {
  const message = `The model \`${id}\` stays loaded: nothing says that it may sleep. Set spec.scaling in its document.`;
  return invalidRequest("model", message);
}

/** Ids contain slashes. */
function find(directory: ModelDirectory, { params }: Request): DirectoryModel {
  return findModel(directory.current(), [params["id"] ?? []].flat().join("/"));
}
