/** GET /admin/log: what the model receives and answers, as it happens, where that is allowed. */
import { permissionDenied } from "@localmodel/inference/refusals.ts";
import type { RequestHandler } from "express";
import type { Serving } from "../serving.ts";

export function readLog({ config, promptLog }: Serving): RequestHandler {
  return (req, res) => {
    if (!config.promptLogging) {
      throw permissionDenied(
        "prompt_logging_off",
        `The prompts of ${config.modelId} cannot be read. Set spec.promptLogging to true in its LocalModel to allow it.`,
      );
    }
    // Who shows a key has been let in; without keys an address is all there is to go by.
    if (config.keySha256.length === 0 && !isLoopback(req.socket.remoteAddress ?? "")) {
      throw permissionDenied(
        "server_key_required",
        "Prompts are shown to the API service and to this machine. Set LOCALMODEL_SERVER_KEY here and there, so that this server knows the service.",
      );
    }
    promptLog.attach(res);
  };
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, "");
  return plain === "::1" || plain.startsWith("127.");
}
