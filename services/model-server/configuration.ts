/**
 * The configuration of a process, from the environment. Whoever starts it wrote it, so a mistake is told
 * completely and ends the process.
 */
import {
  SERVER_CONFIG_VARIABLE,
  ServerConfig,
} from "@localmodel/localmodel/contracts/server-config.ts";
import { type PinnedFile, PinnedFiles } from "@localmodel/localmodel/contracts/pinned-file.ts";
import {
  secretsIn,
  SERVER_KEY_VARIABLE,
  serverKeyFor,
  serverKeyHash,
} from "@localmodel/localmodel/contracts/server-key.ts";
import { readFileSync } from "node:fs";
import { z } from "zod";

export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export function readConfiguration(environment: NodeJS.ProcessEnv): ServerConfig {
  const config = configurationFrom(environment, {
    variable: SERVER_CONFIG_VARIABLE,
    schema: ServerConfig,
    example:
      '{"modelId":"my-model","createdSeconds":0,"weightsPath":"/models/my-model.gguf","port":8080}',
  });
  const { pinnedFilesPath, pinnedFiles, keySha256 } = config;
  const secrets = secretsIn(environment[SERVER_KEY_VARIABLE] ?? "");
  const keys = secrets.map((secret) => serverKeyHash(serverKeyFor(secret, undefined)));
  const left = pinnedFilesPath === undefined ? [] : readPinnedFiles(pinnedFilesPath);
  return {
    ...config,
    keySha256: [...keySha256, ...keys],
    pinnedFiles: [...pinnedFiles, ...left],
  };
}

/** Without them nothing would tell whether a file is still the one that was fetched. */
function readPinnedFiles(path: string): readonly PinnedFile[] {
  try {
    return PinnedFiles.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read the checksums in ${path}, which the container that fetches leaves there: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

export function configurationFrom<Config>(
  environment: NodeJS.ProcessEnv,
  wanted: {
    readonly variable: string;
    readonly schema: z.ZodType<Config>;
    readonly example: string;
  },
): Config {
  const { variable, schema, example } = wanted;
  const text = environment[variable];
  if (text === undefined) {
    throw new ConfigurationError(
      `Cannot start without a configuration: ${variable} must hold one as JSON, for example ${example}`,
    );
  }
  const result = schema.safeParse(parseJson(text, variable));
  if (result.success) return result.data;
  throw new ConfigurationError(
    `Cannot use the configuration in ${variable}:\n${z.prettifyError(result.error)}`,
  );
}

function parseJson(text: string, variable: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read ${variable} as JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
