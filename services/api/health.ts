/**
 * GET /healthz: the process answers. GET /readyz: send it requests. GET /health: the same in the form that clients of
 * llama-server know. GET / and GET /v1 tell whoever looks in by hand where the API is.
 *
 * Ready does not depend on any model: what is not served yet is answered here, with a reason and a time
 * to come back.
 */
import { modelLoading, shuttingDown } from "@localmodel/inference/unavailability.ts";
import { Router } from "express";
import type { ModelDirectory } from "./directory/model-directory.ts";
import { ENDPOINTS } from "./endpoints.ts";
import type { OpenRequests } from "./upstream/open-requests.ts";

type Readiness = { readonly state: "ready" | "starting" | "draining"; readonly message: string };

export function healthRouter(directory: ModelDirectory, requests: OpenRequests): Router {
  return Router()
    .get("/healthz", (_req, res) => {
      res.json({ state: "alive" });
    })
    .get("/readyz", (_req, res) => {
      const readiness = readinessOf(directory.known, requests);
      res.status(readiness.state === "ready" ? 200 : 503).json(readiness);
    })
    .get("/health", (_req, res, next) => {
      const { state, message } = readinessOf(directory.known, requests);
      if (state === "ready") res.json({ status: "ok" });
      else
        next(state === "draining" ? shuttingDown() : modelLoading(`Not ready yet: ${message}.`, 1));
    })
    .get(["/", "/v1"], (_req, res) => {
      res.json(WAY_IN);
    });
}

const WAY_IN = {
  name: "LocalModel",
  message:
    "This is an API for OpenAI's clients. Their base URL ends with /v1; start at GET /v1/models.",
  endpoints: ["/v1/models", ...ENDPOINTS.map(({ path }) => path)],
} as const;

function readinessOf(known: boolean, requests: OpenRequests): Readiness {
  // One that ends is ready for as long as it takes requests: where it is the last one, they are better sent here.
  if (requests.refusing) {
    return { state: "draining", message: `finishing ${requests.count} open requests` };
  }
  if (!known) return { state: "starting", message: "waiting for the list of models" };
  return { state: "ready", message: "accepting requests" };
}
