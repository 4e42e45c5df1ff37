/**
 * Access by a kubeconfig, with everything client-node can log in with: tokens, client certificates, exec
 * plugins, OpenID Connect.
 *
 * The only module that runs client-node. Of its answer only headers and TLS material are taken; its
 * agents and dispatchers, made anew for every request, are left alone.
 */
import type { RequestOptions } from "node:https";
import { delimiter } from "node:path";
import { type Cluster, KubeConfig, type User } from "@kubernetes/client-node";
import type { ClusterAccess, Credentials } from "./access.ts";

/** `paths` as in KUBECONFIG: what comes first wins, and every file has to exist. */
export function kubeconfigAccess(paths: string): ClusterAccess {
  const [first, ...others] = paths.split(delimiter).filter((path) => path !== "");
  const config = new KubeConfig();
  if (first === undefined) throw new Error(`KUBECONFIG is "${paths}", which names no file`);
  config.loadFromFile(first);
  for (const path of others) {
    const further = new KubeConfig();
    further.loadFromFile(path);
    mergeInto(config, further);
  }
  return accessBy(config, paths);
}

/** Like kubectl, the first file to define a name keeps it; client-node's own merge throws. */
function mergeInto(config: KubeConfig, further: KubeConfig): void {
  config.currentContext ||= further.currentContext;
  config.clusters = firstOfEachName([...config.clusters, ...further.clusters]);
  config.users = firstOfEachName([...config.users, ...further.users]);
  config.contexts = firstOfEachName([...config.contexts, ...further.contexts]);
}

function firstOfEachName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return [...new Map(items.toReversed().map((item) => [item.name, item])).values()].toReversed();
}

export function accessBy(config: KubeConfig, origin: string): ClusterAccess {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const context = config.currentContext;
    throw new Error(
      `${origin}: ${context ? `the current context "${context}" names no known cluster` : "there is no current context"}`,
    );
  }
  const namespace = config.getContextObject(config.currentContext)?.namespace;
  let login = freshLogin(config);
  return {
    server: cluster.server,
    ...(namespace !== undefined && namespace !== "" && { namespace }),
    ...(cluster.proxyUrl !== undefined && { proxyUrl: cluster.proxyUrl }),
    async credentials(afterRefusal) {
      if (afterRefusal) login = freshLogin(config);
      return credentialsOf(login);
    },
  };
}

async function credentialsOf(login: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = { headers: {} };
  await login.applyToHTTPSOptions(options);
  const { ca, cert, key, passphrase, rejectUnauthorized, servername, auth } = options;
  const tls = { ca, cert, key, passphrase, rejectUnauthorized, servername };
  const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : {};
  return {
    headers: { ...basic, ...lowerCased(options.headers ?? {}) },
    tls: Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)),
  };
}

function lowerCased(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

/** client-node keeps tokens where nobody can reach them: a refused one goes with its KubeConfig. */
function freshLogin({ clusters, users, contexts, currentContext }: KubeConfig): KubeConfig {
  const login = new KubeConfig();
  login.loadFromOptions({
    clusters: clusters.map(withPlainHttpAllowed),
    users: users.map((user) => withExecInfo(user)),
    contexts,
    currentContext,
  });
  return login;
}

/** client-node refuses http unless told not to verify certificates, of which there are none (kubectl proxy). */
function withPlainHttpAllowed(cluster: Cluster): Cluster {
  return cluster.server.startsWith("http:") ? { ...cluster, skipTLSVerify: true } : cluster;
}

type ExecConfig = {
  readonly apiVersion?: string;
  readonly env?: readonly { readonly name: string; readonly value: string }[];
};

/** What plugins are promised and client-node does not send; some refuse to run without it. */
function withExecInfo(user: User): User {
  const exec = user.exec as ExecConfig | undefined;
  if (exec === undefined || exec === null) return user;
  const info = {
    apiVersion: exec.apiVersion ?? "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false },
  };
  const given = exec.env ?? [];
  const env = [{ name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }, ...given];
  return { ...user, exec: { ...exec, env } };
}
