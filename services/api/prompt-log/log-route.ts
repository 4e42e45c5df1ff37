/**
 * GET /admin/log?model=ID: what models receive and answer, of all their servers, as one stream of events.
 *
 * Follows servers that come and go. Nothing is buffered here: a reader that does not keep up is not read
 * for, and the model servers drop what it misses, and say how much.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { rateLimited, shuttingDown } from "@localmodel/inference/unavailability.ts";
import type { Request, RequestHandler } from "express";
import type { ModelDirectory } from "../directory/model-directory.ts";
import { findModel } from "../directory/find-model.ts";
import { type Followed, LogFollower } from "./log-follower.ts";
import { NO_SERVER_KEYS, type ServerKeys } from "../upstream/server-keys.ts";

const READERS_MAX = 16;
const LOOK_INTERVAL_MS = 1000;

type PromptLogOptions = {
  readonly directory: ModelDirectory;
  readonly requests: { readonly draining: boolean };
  readonly serverKeys?: ServerKeys;
};

export function promptLog(options: PromptLogOptions): RequestHandler {
  const { directory, requests, serverKeys = NO_SERVER_KEYS } = options;
  let readers = 0;
  return (req, res) => {
    const wanted = wantedModel(req);
    if (requests.draining) throw shuttingDown();
    if (readers >= READERS_MAX) {
      throw rateLimited(`Already ${READERS_MAX} readers are attached to the log.`, 10);
    }
    // Throws for a model that does not exist, while that can still be told.
    const models = () => {
      const { models: all } = directory.current();
      return wanted === undefined ? all : [findModel({ models: all }, wanted)];
    };
    models();

    readers += 1;
    const follower = new LogFollower(res);
    const look = (): void => {
      if (requests.draining) follower.end();
      else follower.follow(servedBy(models, serverKeys));
    };
    look();
    const timer = setInterval(look, LOOK_INTERVAL_MS);
    res.once("close", () => {
      clearInterval(timer);
      readers -= 1;
      follower[Symbol.dispose]();
    });
  };
}

function wantedModel({ query }: Request): string | undefined {
  const { model } = query;
  if (model === undefined || model === "") return undefined;
  if (typeof model === "string") return model;
  throw invalidRequest("model", "Invalid 'model': name one model, or none to read all.");
}

/** Which model each server belongs to; a model that is gone has none. */
function servedBy(
  models: () => readonly DirectoryModel[],
  serverKeys: ServerKeys,
): ReadonlyMap<string, Followed> {
  try {
    return new Map(
      models().flatMap((one) => {
        const followed = { model: one.id, key: serverKeys(one) };
        // Who sleeps may be woken at any moment.
        const servers = [...one.endpoints, ...(one.sleepers ?? [])];
        return servers.map((endpoint) => [endpoint, followed] as const);
      }),
    );
  } catch {
    return new Map();
  }
}
