/**
 * Access from inside a pod: the token and the certificate authority that the kubelet keeps fresh.
 *
 * The token is good for an hour or so and replaced long before; the file is read again at most once a
 * minute, as client-go does, and at once when the server refuses what it was given.
 */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { ClusterAccess } from "./access.ts";

export const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Undefined when this is not a pod, or one without a service account token. */
export async function inClusterAccess(
  environment: NodeJS.ProcessEnv,
  folder: string = SERVICE_ACCOUNT_FOLDER,
): Promise<ClusterAccess | undefined> {
  const host = environment["KUBERNETES_SERVICE_HOST"];
  const port = environment["KUBERNETES_SERVICE_PORT"];
  if (!host || !port) return undefined;
  if ((await readText(join(folder, "token"))) === undefined) return undefined;
  const namespace = await readText(join(folder, "namespace"));
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ...(namespace !== undefined && { namespace }),
    async credentials() {
      const token = (await readFile(join(folder, "token"), "utf8")).trim();
      const ca = await readText(join(folder, "ca.crt"));
      return {
        headers: { authorization: `Bearer ${token}` },
        tls: ca === undefined ? {} : { ca },
      };
    },
  };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
