/**
 * GET /v1/models and GET /v1/models/{id}: the union of all models, whatever state they are in.
 *
 * Ids contain slashes. The official clients encode them, people with curl do not; both are served. Anthropic's clients
 * ask at the same paths, and get the form that they know.
 */
import { modelInfo, modelPage } from "@localmodel/anthropic/answers/models.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { modelObject } from "@localmodel/openai/answers/models.ts";
import { allowOnly } from "@localmodel/service/http/errors.ts";
import { Router } from "express";
import { visibleTo } from "./keys/model-access.ts";
import type { ModelDirectory } from "./directory/model-directory.ts";
import { findModel } from "./directory/find-model.ts";
import { isAnthropics } from "./other-dialects.ts";

export function modelsRouter(directory: ModelDirectory): Router {
  const router = Router();
  router
    .route("/v1/models")
    .get((_req, res) => {
      const { models } = visibleTo(res, directory.current());
      const ordered = inListingOrder(models);
      res.json(
        isAnthropics(res) ? modelPage(ordered) : { object: "list", data: ordered.map(listed) },
      );
    })
    .all(allowOnly(["GET", "HEAD"]));
  router
    .route("/v1/models/*id")
    .get((req, res) => {
      const id = req.params.id.join("/");
      const model = findModel(visibleTo(res, directory.current()), id);
      res.json(isAnthropics(res) ? modelInfo(model) : listed(model));
    })
    .all(allowOnly(["GET", "HEAD"]));
  return router;
}

/** Clients that ask for nothing else take the first: one that chats, then one that may once it is loaded. */
function inListingOrder(models: readonly DirectoryModel[]): readonly DirectoryModel[] {
  return models.toSorted((a, b) => listingRank(a) - listingRank(b));
}

function listingRank({ facts }: DirectoryModel): number {
  const { capabilities } = facts ?? {};
  if (capabilities === undefined) return 1;
  if (capabilities.includes("chat")) return 0;
  return capabilities.includes("completions") ? 2 : 3;
}

function listed(model: DirectoryModel) {
  const { state, message, progress } = model;
  return {
    ...modelObject(model),
    state,
    ...(state !== "ready" && { message }),
    ...(progress !== undefined && { progress }),
  };
}
