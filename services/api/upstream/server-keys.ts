/** The keys by which model servers know this service, one for each LocalModel. */
import { readFileSync } from "node:fs";
import type { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import {
  secretsIn,
  SERVER_KEY_VARIABLE,
  serverKeyFor,
} from "@localmodel/localmodel/contracts/server-key.ts";

/** What to show to the servers of a model; undefined where they ask for nothing. */
export type ServerKeys = (model: Pick<DirectoryModel, "server">) => string | undefined;

export const NO_SERVER_KEYS: ServerKeys = () => undefined;

/** The platform's secrets, the first of which is shown. Throws where the file cannot be read. */
export function configuredSecrets(
  { serverKeyFile }: Pick<ApiConfig, "serverKeyFile">,
  environment: NodeJS.ProcessEnv,
): readonly string[] {
  const text =
    serverKeyFile === undefined
      ? (environment[SERVER_KEY_VARIABLE] ?? "")
      : readFileSync(serverKeyFile, "utf8");
  return secretsIn(text);
}

/** By the platform's secret, the first if there are several. Made once for each model: requests are many. */
export function serverKeysFrom([secret]: readonly string[]): ServerKeys {
  if (secret === undefined) return NO_SERVER_KEYS;
  const keys = new Map<string | undefined, string>();
  return ({ server }) => {
    const known = keys.get(server);
    if (known !== undefined) return known;
    const key = serverKeyFor(secret, server);
    keys.set(server, key);
    return key;
  };
}
