import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test, type TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import type { ClusterAccess } from "./access.ts";
import { findCluster } from "./cluster-access.ts";
import { inClusterAccess } from "./in-cluster.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";
import { type Certificate, makeCertificate } from "../../../test/support/certificates.ts";
import { FaultServer } from "../fixtures/fault-server.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";
import { Transport } from "../wire/transport.ts";

const GET = { method: "GET", path: "/version", retry: false } as const;

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "localmodel-kube-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

type Config = {
  readonly server: string;
  readonly cluster?: object;
  readonly user?: object;
  readonly name?: string;
  readonly namespace?: string;
};

async function writeConfig(
  path: string,
  { server, cluster, user, name = "test", namespace }: Config,
) {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user: user ?? {} }],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace && { namespace }) } }],
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

function transportFor(t: TestContext, access: ClusterAccess, clock = new ManualClock()): Transport {
  const transport = new Transport(access, { clock });
  t.after(() => transport[Symbol.asyncDispose]());
  return transport;
}

/** An API server that says who came: by a certificate of its authority, by a header, or nobody. */
async function tlsServer(t: TestContext, authority: Certificate) {
  const { certificate, key } = makeCertificate({ name: "server", issuer: authority });
  const options = { cert: certificate, key, ca: authority.certificate };
  const asking = { ...options, requestCert: true, rejectUnauthorized: false };
  const server = createServer(asking, (request, response) => {
    const socket = request.socket as TLSSocket;
    const name = socket.authorized ? socket.getPeerCertificate().subject.CN : undefined;
    const { authorization } = request.headers;
    response.end(JSON.stringify({ certificate: name, authorization }));
  });
  let connections = 0;
  server.on("secureConnection", () => (connections += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port}`, connections: () => connections };
}

test("a kubeconfig's token, namespace and server are used, over plain http as well", async (t) => {
  const server = await FaultServer.start((exchange) => exchange.json({}));
  t.after(() => server[Symbol.asyncDispose]());
  const path = join(await folderFor(t), "config");
  const user = { token: "t-1" };
  await writeConfig(path, { server: server.access().server, user, namespace: "home" });
  const access = await findCluster({ KUBECONFIG: path });
  assert.equal(access.namespace, "home");
  await transportFor(t, access).json(GET);
  assert.equal(server.received[0]?.headers.authorization, "Bearer t-1");
});

test("client certificates log in, and files that are replaced are read again", async (t) => {
  const authority = makeCertificate({ name: "authority" });
  const server = await tlsServer(t, authority);
  const folder = await folderFor(t);
  const write = async (name: string): Promise<void> => {
    const { certificate, key } = makeCertificate({ name, issuer: authority });
    await writeFile(join(folder, "cert.pem"), certificate);
    await writeFile(join(folder, "key.pem"), key);
  };
  await write("alice");
  await writeFile(join(folder, "ca.pem"), authority.certificate);
  const path = await writeConfig(join(folder, "config"), {
    server: server.url,
    cluster: { "certificate-authority": "ca.pem" },
    user: { "client-certificate": "cert.pem", "client-key": "key.pem" },
  });
  const clock = new ManualClock();
  const transport = transportFor(t, kubeconfigAccess(path), clock);
  assert.deepEqual(await transport.json(GET), { certificate: "alice" });
  await write("bob");
  await clock.advance(61_000);
  assert.deepEqual(await transport.json(GET), { certificate: "bob" });
  assert.ok(server.connections() >= 2);
});

test("a server with a certificate of another authority is not talked to", async (t) => {
  const server = await tlsServer(t, makeCertificate({ name: "authority" }));
  const ca = Buffer.from(makeCertificate({ name: "other" }).certificate).toString("base64");
  const path = join(await folderFor(t), "config");
  await writeConfig(path, { server: server.url, cluster: { "certificate-authority-data": ca } });
  const transport = transportFor(t, kubeconfigAccess(path));
  await assert.rejects(transport.json(GET), /certificate/);
  await writeConfig(path, { server: server.url, cluster: { "insecure-skip-tls-verify": true } });
  assert.deepEqual(await transportFor(t, kubeconfigAccess(path)).json(GET), {});
});

test("an exec plugin logs in, once, and again when its token is refused", async (t) => {
  const folder = await folderFor(t);
  const plugin = join(folder, "plugin.mjs");
  const log = join(folder, "log");
  await writeFile(
    plugin,
    `import { appendFileSync, readFileSync } from "node:fs";
     appendFileSync(${JSON.stringify(log)}, process.env.KUBERNETES_EXEC_INFO + process.env.EXTRA);
     const { length } = readFileSync(${JSON.stringify(log)}, "utf8").match(/EXTRA/g);
     const { apiVersion } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
     console.log(JSON.stringify({ apiVersion, kind: "ExecCredential", status: { token: "t-" + length } }));`,
  );
  let accepted = "Bearer t-1";
  const server = await FaultServer.start((exchange) => {
    if (exchange.received.headers.authorization === accepted) exchange.json({});
    else exchange.status(401, "Unauthorized");
  });
  t.after(() => server[Symbol.asyncDispose]());
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: process.execPath,
    args: [plugin],
    env: [{ name: "EXTRA", value: "EXTRA" }],
  };
  const path = join(folder, "config");
  await writeConfig(path, { server: server.access().server, user: { exec } });
  const transport = transportFor(t, kubeconfigAccess(path));
  await Promise.all([transport.json(GET), transport.json(GET), transport.json(GET)]);
  assert.equal(server.exchanges.length, 3);
  accepted = "Bearer t-2";
  await Promise.all([transport.json(GET), transport.json(GET)]);
});

test("an exec plugin that fails is told with what it said", async (t) => {
  const path = join(await folderFor(t), "config");
  const code = "console.error('log in first'); process.exit(1)";
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath };
  const user = { exec: { ...exec, args: ["-e", code] } };
  await writeConfig(path, { server: "http://127.0.0.1:1", user });
  const transport = transportFor(t, kubeconfigAccess(path));
  await assert.rejects(transport.json(GET), /logging in to http:\/\/127\.0\.0\.1:1: log in first/);
});

test("of several kubeconfigs the first to say something is right", async (t) => {
  const folder = await folderFor(t);
  const first = await writeConfig(join(folder, "1"), {
    server: "http://one",
    user: { token: "1" },
  });
  const second = await writeConfig(join(folder, "2"), { server: "http://two", name: "test" });
  const third = await writeConfig(join(folder, "3"), { server: "http://three", name: "other" });
  const access = kubeconfigAccess([first, second, third].join(delimiter));
  assert.equal(access.server, "http://one");
  assert.equal((await access.credentials(false)).headers["authorization"], "Bearer 1");
});

test("a context that names nothing is told", async (t) => {
  const path = join(await folderFor(t), "config");
  await writeFile(
    path,
    JSON.stringify({ "current-context": "gone", clusters: [], users: [], contexts: [] }),
  );
  assert.throws(() => kubeconfigAccess(path), /the current context "gone" names no known cluster/);
});

test("in a pod the service account logs in, with whatever token its file holds now", async (t) => {
  const authority = makeCertificate({ name: "authority" });
  const server = await tlsServer(t, authority);
  const folder = await folderFor(t);
  await writeFile(join(folder, "ca.crt"), authority.certificate);
  await writeFile(join(folder, "namespace"), "home\n");
  await writeFile(join(folder, "token"), "t-1\n");
  const { hostname, port } = new URL(server.url);
  const pod = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const access = await inClusterAccess(pod, folder);
  assert.equal(access?.namespace, "home");
  const clock = new ManualClock();
  const transport = transportFor(t, access, clock);
  assert.deepEqual(await transport.json(GET), { authorization: "Bearer t-1" });
  await writeFile(join(folder, "token"), "t-2\n");
  await clock.advance(61_000);
  assert.deepEqual(await transport.json(GET), { authorization: "Bearer t-2" });
});

test("in a pod an IPv6 address becomes a URL, and without a token it is no pod", async (t) => {
  const folder = await folderFor(t);
  const pod = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  assert.equal(await inClusterAccess(pod, folder), undefined);
  await writeFile(join(folder, "token"), "t");
  assert.equal((await inClusterAccess(pod, folder))?.server, "https://[fd00::1]:443");
  assert.equal(await inClusterAccess({}, folder), undefined);
});

test("where no cluster is to be found, it says where it looked", async (t) => {
  const folder = await folderFor(t);
  await assert.rejects(findCluster({ HOME: folder }), (error: Error) => {
    assert.match(error.message, /KUBECONFIG is not set/);
    assert.ok(error.message.includes(join(folder, ".kube", "config")));
    return true;
  });
  await mkdir(join(folder, ".kube"));
  await writeConfig(join(folder, ".kube", "config"), { server: "http://home" });
  assert.equal((await findCluster({ HOME: folder })).server, "http://home");
});
