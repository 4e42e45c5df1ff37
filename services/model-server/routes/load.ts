/**
 * POST /load and /unload: what requests and the time without them do by themselves, on demand.
 *
 * They are for the API service, which asks who may. Where nothing lets the model sleep they say so.
 */
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { RequestHandler } from "express";
import { sendJson } from "../http/api-headers.ts";
import { unavailability } from "../http/availability.ts";
import { whileConnected } from "../http/while-connected.ts";
import type { Sleeper } from "../engine/process/sleeping-engine.ts";
import type { Serving } from "../serving.ts";

export function load({ engine, log, sleeper }: Serving): RequestHandler {
  return whileConnected(log, async (_req, res, gone) => {
    await sleeper?.load(gone);
    const { state } = engine;
    if (state.state !== "ready") throw unavailability(state);
    sendJson(res, { state: state.state });
  });
}

export function unload({ config, engine, sleeper }: Serving): RequestHandler {
  return (_req, res) => {
    sleepable(sleeper, config.modelId).unload();
    res.status(202);
    sendJson(res, { state: engine.state.state });
  };
}

function sleepable(sleeper: Sleeper | undefined, modelId: string): Sleeper {
  if (sleeper !== undefined) return sleeper;
  const message = `The model \`${modelId}\` stays loaded: its server has no sleepAfterSeconds.`;
  throw invalidRequest("model", message);
}
