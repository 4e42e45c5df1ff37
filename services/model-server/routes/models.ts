/**
 * GET /v1/models and GET /v1/models/{id}.
 *
 * The one model and its adapters are listed from the start, with what keeps them from serving; what only the weights can
 * tell follows when they are loaded.
 */
import { adapterIdsOf } from "@localmodel/localmodel/resource/adapters.ts";
import { modelObject } from "@localmodel/openai/answers/models.ts";
import type { RequestHandler } from "express";
import { sendJson } from "../http/api-headers.ts";
import { isServing } from "../http/availability.ts";
import { requireModel, type Served } from "../resolve/model.ts";
import type { Serving } from "../serving.ts";

export function listModels(serving: Serving): RequestHandler {
  return (_req, res) => {
    const { modelId } = serving.config;
    const adapterIds = adapterIdsOf(serving.config);
    const served = [{ modelId }, ...adapterIds.map((adapter) => ({ modelId: adapter, adapter }))];
    sendJson(res, { object: "list", data: served.map((one) => listed(serving, one)) });
  };
}

/** Ids may contain slashes, which some clients encode and others do not: the route is a wildcard. */
export function retrieveModel(serving: Serving): RequestHandler {
  return (req, res) => {
    const segments: unknown = req.params["id"];
    const asked = Array.isArray(segments) ? segments.join("/") : String(segments);
    sendJson(res, listed(serving, requireModel(asked, serving.config)));
  };
}

function listed({ config, engine }: Serving, { modelId: id, adapter }: Served) {
  const { modelId, aliases, createdSeconds } = config;
  const { state, message } = engine.state;
  const facts = isServing(engine.state) ? { facts: engine.state.model } : {};
  const progress = "progress" in engine.state ? engine.state.progress : undefined;
  const names = adapter === undefined ? { aliases } : { aliases: [], parent: modelId };
  return {
    ...modelObject({ id, ...names, createdSeconds, ...facts }),
    state,
    ...(state !== "ready" && { message }),
    ...(progress !== undefined && { progress }),
  };
}
