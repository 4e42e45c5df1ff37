/**
 * The configuration of a model server, from the environment. Whoever starts it wrote it, so a mistake
 * is told completely and ends the process.
 */
import { SERVER_CONFIG_VARIABLE, ServerConfig } from "@localmodel/localmodel/server-config.ts";
import { z } from "zod";

export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export function readConfiguration(environment: NodeJS.ProcessEnv): ServerConfig {
  const text = environment[SERVER_CONFIG_VARIABLE];
  if (text === undefined) {
    throw new ConfigurationError(
      `Cannot start without a configuration: ${SERVER_CONFIG_VARIABLE} must hold one as JSON, for example ` +
        `{"modelId":"my-model","createdSeconds":0,"weightsPath":"/models/my-model.gguf","port":8080}`,
    );
  }
  const result = ServerConfig.safeParse(parseJson(text));
  if (result.success) return result.data;
  throw new ConfigurationError(
    `Cannot use the configuration in ${SERVER_CONFIG_VARIABLE}:\n${z.prettifyError(result.error)}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read ${SERVER_CONFIG_VARIABLE} as JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
