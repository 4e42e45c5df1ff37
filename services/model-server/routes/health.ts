/**
 * GET /healthz: the process answers. GET /readyz: requests would be served, or the state that says why not.
 * GET /health: the same question in the form llama-server's clients know.
 */
import { failureHeaders } from "@localmodel/inference/failure-headers.ts";
import type { RequestHandler } from "express";
import { isReady, unavailability } from "../http/availability.ts";
import type { Serving } from "../serving.ts";

export const alive: RequestHandler = (_req, res) => {
  res.json({ status: "ok" });
};

export function ready({ engine }: Serving): RequestHandler {
  return (_req, res) => {
    const { state } = engine;
    if (!isReady(state)) res.status(503).set(failureHeaders(unavailability(state)));
    res.set("cache-control", "no-store").json(state);
  };
}

export function health({ engine }: Serving): RequestHandler {
  return (_req, res) => {
    const { state } = engine;
    if (!isReady(state)) throw unavailability(state);
    res.set("cache-control", "no-store").json({ status: "ok" });
  };
}
