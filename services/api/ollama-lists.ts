/**
 * What clients of Ollama and of LM Studio ask before anything else: GET /api/version, /api/tags and /api/ps, POST /api/show,
 * and GET /api/v0/models.
 */
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { runningModel, shownModel, taggedModel } from "@localmodel/ollama/answers/models.ts";
import { lmStudioModel } from "@localmodel/openai/answers/lm-studio-models.ts";
import { allowOnly } from "@localmodel/service/http/errors.ts";
import express, { type Response, Router } from "express";
import type { DemandBook } from "./admission/demand.ts";
import { findModel } from "./directory/find-model.ts";
import type { ModelDirectory } from "./directory/model-directory.ts";
import { visibleTo } from "./keys/model-access.ts";

/** Of Ollama's API: the least that clients ask for, who compare it. */
const VERSION = "0.12.0";
const SHOW_MAX_BYTES = 16_384;

export function ollamaRouter(directory: ModelDirectory, demand: DemandBook): Router {
  const router = Router();
  const get = allowOnly(["GET", "HEAD"]);
  const visible = (res: Response) => visibleTo(res, directory.current());
  router
    .route("/api/version")
    .get((_req, res) => void res.json({ version: VERSION }))
    .all(get);
  router
    .route("/api/tags")
    .get(
      (_req, res) =>
        void res.json({ models: visible(res).models.filter(isThere).map(taggedModel) }),
    )
    .all(get);
  router
    .route("/api/ps")
    .get((_req, res) => {
      const running = visible(res).models.filter(isLoaded);
      const listed = running.map((one) => ({ ...one, leavesAtMs: demand.leavesAtMs(one) }));
      res.json({ models: listed.map(runningModel) });
    })
    .all(get);
  router
    .route("/api/show")
    .post(express.json({ limit: SHOW_MAX_BYTES, type: () => true }), (req, res) => {
      const name = shownName((req.body ?? {}) as Readonly<Record<string, unknown>>);
      if (typeof name !== "string")
        throw invalidRequest("model", "Name the model to be shown in 'model'.");
      res.json(shownModel(findModel(visible(res), name)));
    })
    .all(allowOnly(["POST"]));
  router
    .route("/api/v0/models")
    .get((_req, res) => {
      res.json({ object: "list", data: visible(res).models.map(lmStudio) });
    })
    .all(get);
  router
    .route("/api/v0/models/*id")
    .get((req, res) => void res.json(lmStudio(findModel(visible(res), req.params.id.join("/")))))
    .all(get);
  return router;
}

/** Ollama's program sends both, one of them empty. */
function shownName({ model, name }: Readonly<Record<string, unknown>>): unknown {
  return [model, name].find((given) => given !== undefined && given !== "");
}

/** Ollama lists none that is still to be downloaded, and its clients want to know how large each is. */
function isThere({ endpoints, facts }: DirectoryModel): boolean {
  return facts?.sizeBytes !== undefined || endpoints.length > 0;
}

function isLoaded({ endpoints }: DirectoryModel): boolean {
  return endpoints.length > 0;
}

function lmStudio(model: DirectoryModel): object {
  return lmStudioModel({ ...model, isLoaded: isLoaded(model) });
}
