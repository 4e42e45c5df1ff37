/**
 * A Kubernetes control plane without nodes, as processes of this machine: etcd, API server and, when asked
 * for, the controller manager and the scheduler.
 *
 * For what needs the real API server but no pod that runs: ready in seconds. The binaries come from the
 * folder in LOCALMODEL_TEST_KUBE_BIN, which test/build makes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { request, Agent } from "undici";
import { freePorts } from "./free-ports.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

export const KUBE_BIN_VARIABLE = "LOCALMODEL_TEST_KUBE_BIN";

type ControlPlaneOptions = {
  /** Deployments get ReplicaSets and pods, owners' deletion is followed. */
  readonly controllers?: boolean;
  readonly scheduler?: boolean;
  /** Further flags of the API server. */
  readonly apiServerFlags?: readonly string[];
};

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

export class ControlPlane implements AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly url: string;
  readonly kubeconfig: string;
  readonly #token: string;
  readonly #binaries: string;
  readonly #options: ControlPlaneOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #ports: { readonly api: number; readonly etcd: number; readonly peer: number };

  private constructor(
    folder: TemporaryFolder,
    binaries: string,
    ports: { readonly api: number; readonly etcd: number; readonly peer: number },
    options: ControlPlaneOptions,
  ) {
    this.folder = folder;
    this.url = `https://127.0.0.1:${ports.api}`;
    this.kubeconfig = folder.file("kubeconfig");
    this.#token = randomBytes(16).toString("hex");
    this.#binaries = binaries;
    this.#options = options;
    this.#ports = ports;
  }

  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const binaries = process.env[KUBE_BIN_VARIABLE];
    if (binaries === undefined || binaries === "")
      throw new Error(`${KUBE_BIN_VARIABLE} must name a folder with kube-apiserver and etcd`);
    const [api, etcd, peer] = await freePorts(3);
    if (api === undefined || etcd === undefined || peer === undefined)
      throw new Error("no free ports");
    const folder = await TemporaryFolder.create();
    const plane = new ControlPlane(folder, binaries, { api, etcd, peer }, options);
    try {
      await plane.#start();
    } catch (error) {
      await plane[Symbol.asyncDispose]();
      throw error;
    }
    return plane;
  }

  /** What a component wrote; for messages of tests that failed. */
  async logOf(component: string): Promise<string> {
    return readFile(this.folder.file(`${component}.log`), "utf8");
  }

  /** Ends the API server as a crash would; `startApiServer` brings it back with everything it knew. */
  async killApiServer(): Promise<void> {
    await this.#kill("kube-apiserver");
  }

  async startApiServer(): Promise<void> {
    const file = (name: string): string => this.folder.file(name);
    this.#run("kube-apiserver", [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      `--cert-dir=${file("certificates")}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${this.#ports.api}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      "--allow-privileged=true",
      "--authorization-mode=Node,RBAC",
      "--endpoint-reconciler-type=none",
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      `--service-account-key-file=${file("service-accounts.pub")}`,
      `--service-account-signing-key-file=${file("service-accounts.key")}`,
      `--token-auth-file=${file("tokens.csv")}`,
      ...(this.#options.apiServerFlags ?? []),
    ]);
    await this.#answers("kube-apiserver", `${this.url}/readyz`);
  }

  async #start(): Promise<void> {
    await this.#writeFiles();
    const { etcd, peer } = this.#ports;
    this.#run("etcd", [
      `--data-dir=${this.folder.file("etcd")}`,
      "--unsafe-no-fsync",
      "--log-level=error",
      `--listen-client-urls=http://127.0.0.1:${etcd}`,
      `--advertise-client-urls=http://127.0.0.1:${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
    ]);
    await this.#answers("etcd", `http://127.0.0.1:${etcd}/health`);
    await this.startApiServer();
    if (this.#options.controllers === true) this.#runControllerManager();
    if (this.#options.scheduler === true)
      this.#run("kube-scheduler", [
        `--kubeconfig=${this.kubeconfig}`,
        "--leader-elect=false",
        "--secure-port=0",
      ]);
  }

  #runControllerManager(): void {
    this.#run("kube-controller-manager", [
      // Nodes here have no kubelet: after a minute it would call whatever runs on them not ready.
      "--controllers=*,-node-lifecycle-controller,-taint-eviction-controller",
      `--kubeconfig=${this.kubeconfig}`,
      "--leader-elect=false",
      "--secure-port=0",
      `--service-account-private-key-file=${this.folder.file("service-accounts.key")}`,
    ]);
  }

  async #writeFiles(): Promise<void> {
    const keys = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    await writeFile(this.folder.file("service-accounts.pub"), keys.publicKey);
    await writeFile(this.folder.file("service-accounts.key"), keys.privateKey);
    await writeFile(this.folder.file("tokens.csv"), `${this.#token},admin,1,system:masters\n`);
    await writeFile(this.kubeconfig, JSON.stringify(this.#kubeconfig()), { mode: 0o600 });
  }

  #kubeconfig(): object {
    // The API server makes its own certificate, for this run and loopback only.
    const cluster = { server: this.url, "insecure-skip-tls-verify": true };
    return {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster }],
      users: [{ name: "admin", user: { token: this.#token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
      "current-context": "test",
    };
  }

  #run(name: string, flags: readonly string[]): void {
    const child = spawn(join(this.#binaries, name), flags, { stdio: ["ignore", "pipe", "pipe"] });
    const log = createWriteStream(this.folder.file(`${name}.log`), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#children.set(name, child);
  }

  async #answers(name: string, url: string): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    await using dispatcher = new TrustingAgent();
    const headers = { authorization: `Bearer ${this.#token}` };
    for (;;) {
      const exitCode = this.#children.get(name)?.exitCode ?? null;
      const late = Date.now() > deadline;
      if (exitCode !== null || late) {
        const said = (await this.logOf(name)).split("\n").slice(-20).join("\n");
        throw new Error(`${name} ${late ? "is not ready" : `ended with ${exitCode}`}:\n${said}`);
      }
      const status = await request(url, { dispatcher, headers }).then(
        async ({ statusCode, body }) => (await body.dump(), statusCode),
        () => 0,
      );
      if (status === 200) return;
      await wait(POLL_MS);
    }
  }

  async #kill(name: string): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#children.keys()].toReversed()) await this.#kill(name);
    await this.folder[Symbol.asyncDispose]();
  }
}

class TrustingAgent extends Agent implements AsyncDisposable {
  constructor() {
    super({ connect: { rejectUnauthorized: false } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}
