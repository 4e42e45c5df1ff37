/**
 * GET /healthz: the process answers. GET /readyz: send it requests.
 *
 * Ready does not depend on any model: what is not served yet is answered here, with a reason and a time
 * to come back.
 */
import { Router } from "express";
import type { ModelDirectory } from "./model-directory.ts";
import type { OpenRequests } from "./open-requests.ts";

type Readiness = { readonly state: "ready" | "starting" | "draining"; readonly message: string };

export function healthRouter(directory: ModelDirectory, requests: OpenRequests): Router {
  return Router()
    .get("/healthz", (_req, res) => {
      res.json({ state: "alive" });
    })
    .get("/readyz", (_req, res) => {
      const readiness = readinessOf(directory.known, requests);
      res.status(readiness.state === "ready" ? 200 : 503).json(readiness);
    });
}

function readinessOf(known: boolean, requests: OpenRequests): Readiness {
  if (requests.draining) {
    return { state: "draining", message: `finishing ${requests.count} open requests` };
  }
  if (!known) return { state: "starting", message: "waiting for the list of models" };
  return { state: "ready", message: "accepting requests" };
}
