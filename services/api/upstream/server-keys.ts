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

/** Made once for each model: requests are many. Throws where the file cannot be read. */
export function configuredServerKeys(
  { serverKeyFile }: Pick<ApiConfig, "serverKeyFile">,
  environment: NodeJS.ProcessEnv,
): ServerKeys {
  const text =
    serverKeyFile === undefined
      ? (environment[SERVER_KEY_VARIABLE] ?? "")
      : readFileSync(serverKeyFile, "utf8");
  const [secret] = secretsIn(text);
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
