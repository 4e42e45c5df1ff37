/**
 * GET /v1/models and GET /v1/models/{id}.
 *
 * The one model is listed from the start; what only the weights can tell follows when they are loaded.
 */
import type { ListedModel } from "@localmodel/openai/models.ts";
import { modelList, modelObject } from "@localmodel/openai/models.ts";
import type { RequestHandler } from "express";
import { sendJson } from "../api-headers.ts";
import { requireModel } from "../resolve-model.ts";
import type { Serving } from "../serving.ts";

export function listModels(serving: Serving): RequestHandler {
  return (_req, res) => {
    sendJson(res, modelList([servedModel(serving)]));
  };
}

/** Ids may contain slashes, which some clients encode and others do not: the route is a wildcard. */
export function retrieveModel(serving: Serving): RequestHandler {
  return (req, res) => {
    const segments: unknown = req.params["id"];
    requireModel(Array.isArray(segments) ? segments.join("/") : String(segments), serving.config);
    sendJson(res, modelObject(servedModel(serving)));
  };
}

function servedModel({ config, engine }: Serving): ListedModel {
  const { modelId, aliases, createdSeconds } = config;
  const facts = engine.state.state === "ready" ? { facts: engine.state.model } : {};
  return { id: modelId, aliases, createdSeconds, ...facts };
}
