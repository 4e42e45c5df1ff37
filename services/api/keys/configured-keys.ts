/** The keys that the configuration asks for; each kind of source is only loaded where it is used. */
import type { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import { readApiKeys } from "@localmodel/localmodel/documents/read-api-keys.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { FollowedFile } from "../directory/followed-file.ts";
import { type Keys, keysFrom, type KeySource } from "./key-source.ts";

/** Throws a DocumentFileError. */
export async function configuredKeys(
  { keysFile, keySecrets }: Pick<ApiConfig, "keysFile" | "keySecrets">,
  log: Logger,
): Promise<Keys> {
  const sources: KeySource[] = [];
  if (keysFile !== undefined) {
    const options = { read: readApiKeys, subject: "API keys", log };
    sources.push(await FollowedFile.open(keysFile, options));
  }
  if (keySecrets) sources.push(await clusterKeys(log));
  return keysFrom(sources);
}

async function clusterKeys(log: Logger): Promise<KeySource> {
  const { findCluster } = await import("@localmodel/kube/access/cluster-access.ts");
  const { ClusterKeys } = await import("./cluster-keys.ts");
  const access = await findCluster();
  return new ClusterKeys(access, { namespace: access.namespace ?? "default", log });
}
