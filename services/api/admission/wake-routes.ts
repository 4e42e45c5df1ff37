/**
 * POST /v1/models/{id}/load and /unload: what requests do by themselves, on demand.
 *
 * A load waits as any request does that wakes a model, and takes its place only to give it back: so it is bounded as
 * they are, answered with the same causes, and stopped when its client hangs up and nobody else waits.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { SERVER_KEY_HEADER } from "@localmodel/localmodel/contracts/server-key.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { modelLoading } from "@localmodel/inference/unavailability.ts";
import { type Request, type RequestHandler, Router } from "express";
import { findModel } from "../directory/find-model.ts";
import type { ModelDirectory } from "../directory/model-directory.ts";
import { tenantOf } from "../request/context.ts";
import type { ServerKeys } from "../upstream/server-keys.ts";
import { clientFailureOf } from "../upstream/upstream-failure.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { ClientGone, type OpenRequest, type OpenRequests } from "../upstream/open-requests.ts";
import type { Admission } from "./admission.ts";
import { sleeps } from "./capacity.ts";
import type { DemandBook } from "./demand.ts";

type WakeOptions = {
  readonly directory: ModelDirectory;
  readonly requests: OpenRequests;
  readonly admission: Admission;
  readonly demand: DemandBook;
  readonly upstream: Upstream;
  readonly serverKeys?: ServerKeys | undefined;
  /** Who may. */
  readonly guard: RequestHandler;
};

export function wakeRoutes(options: WakeOptions): Router {
  const { guard } = options;
  return Router()
    .post("/v1/models/*id/load", guard, load(options))
    .post("/v1/models/*id/unload", guard, unload(options));
}

function load(options: WakeOptions): RequestHandler {
  const { directory, requests, admission, demand } = options;
  return async (req, res) => {
    const model = find(directory, req);
    using open = requests.begin(res);
    using _asked = demand.ask(model, undefined);
    try {
      const visitor = { tenant: tenantOf(res), patienceSeconds: Infinity, open };
      using _place = await admission.enter(model, visitor);
      const served = find(directory, req);
      if (served.unloads === true) await tellServers(served, "/load", options, open);
      const { id, state } = served;
      res.json({ id, state });
    } catch (thrown) {
      if (!(open.reason instanceof ClientGone)) throw thrown;
    }
  };
}

function unload(options: WakeOptions): RequestHandler {
  const { directory, requests, admission } = options;
  return async (req, res) => {
    const model = find(directory, req);
    const { id, state } = model;
    if (!sleeps(model) || directory.sleep === undefined) throw staysLoaded(id);
    directory.sleep.unload(model);
    if (model.unloads === true) {
      using open = requests.begin(res);
      await tellServers(model, "/unload", options, open);
    }
    const isInUse = admission.inside(id) + admission.waiting(id) > 0;
    const message = isInUse
      ? "It goes to sleep when the requests that use it have been answered."
      : "It goes to sleep.";
    res.status(202).json({ id, state, message });
  };
}

/** Throws when one of them does not do it. */
async function tellServers(
  model: DirectoryModel,
  path: string,
  { upstream, serverKeys }: Pick<WakeOptions, "upstream" | "serverKeys">,
  open: OpenRequest,
): Promise<void> {
  const key = serverKeys?.(model);
  const headers = key === undefined ? {} : { [SERVER_KEY_HEADER]: key };
  const request = { path, headers, body: Buffer.alloc(0) };
  const statuses = await Promise.all(
    model.endpoints.map(async (endpoint) => {
      const answer = await upstream.send(endpoint, request, open).catch((thrown: unknown) => {
        throw clientFailureOf(open.reason ?? thrown);
      });
      answer.abort(new Error("its status is all that was asked for"));
      return answer.status;
    }),
  );
  const failed = statuses.filter((status) => status >= 300);
  if (failed.length === 0) return;
  const text = `${failed.length} of ${statuses.length} servers of \`${model.id}\` answered ${failed[0]} to ${path}.`;
  throw modelLoading(text, 1);
}

function staysLoaded(id: string) {
  const message = `The model \`${id}\` stays loaded: nothing says that it may sleep. Set spec.scaling in its document.`;
  return invalidRequest("model", message);
}

/** Ids contain slashes. */
function find(directory: ModelDirectory, { params }: Request): DirectoryModel {
  return findModel(directory.current(), [params["id"] ?? []].flat().join("/"));
}
