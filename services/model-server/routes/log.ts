/** GET /admin/log: what the model receives and answers, as it happens, where that is allowed. */
import { permissionDenied } from "@localmodel/inference/refusals.ts";
import type { RequestHandler } from "express";
import type { Serving } from "../serving.ts";

export function readLog({ config, promptLog }: Serving): RequestHandler {
  return (_req, res) => {
    if (!config.promptLogging) {
      throw permissionDenied(
        "prompt_logging_off",
        `The prompts of ${config.modelId} cannot be read. Set spec.promptLogging to true in its LocalModel to allow it.`,
      );
    }
    promptLog.attach(res);
  };
}
