/**
 * The product in containers on one network, as docs/docker.md has it: two model servers of SmolLM2, the API
 * service with a file of models, and Jaeger and Prometheus beside them.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Network, type StartedNetwork, type StartedTestContainer } from "testcontainers";
import { type ApiConfigInput } from "@localmodel/localmodel/contracts/api-config.ts";
import { type ServerConfigInput } from "@localmodel/localmodel/contracts/server-config.ts";
import OpenAI from "openai";
import { z } from "zod";
import { run } from "../../build/command.ts";
import { eventually } from "../../support/eventually.ts";
import { Jaeger } from "../../support/jaeger.ts";
import { smollm2Path } from "../../support/smollm2.ts";
import { type ContainerOptions, logPath, startContainer } from "./container.ts";
import { buildImages, type Images } from "./images.ts";
import { Prometheus, prometheusConfig } from "./prometheus.ts";

export const MODEL = "smollm2";
/** A `logit_bias`: the end of a message is never chosen. */
export const NEVER_END = { 2: -100 };
const HTTP_PORT = 8080;
const METRICS_PORT = 9464;
const INGRESS_PORT = 8081;
const WEIGHTS = "/models/smollm2.gguf";

export const ServerName = z.enum(["model-a", "model-b"]);
export type ServerName = z.infer<typeof ServerName>;
const SERVERS = ServerName.options;

const REPLICAS = ["api", "api-b"] as const;
type Replica = (typeof REPLICAS)[number];
type Name = ServerName | Replica | "jaeger" | "prometheus" | "nginx" | "valkey";

const VALKEY_PORT = 6379;
/** As images/valkey has it. */
const VALKEY_PASSWORD = "secret";

/** Spans leave at once, and few enough wait that a test can fill the queue. */
const SPAN_QUEUE_MAX = 512;
const TELEMETRY = {
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://jaeger:4318",
  // Prometheus asks; nothing is pushed.
  OTEL_METRICS_EXPORTER: "none",
  OTEL_BSP_SCHEDULE_DELAY: "200",
  OTEL_BSP_MAX_QUEUE_SIZE: String(SPAN_QUEUE_MAX),
  LOCALMODEL_METRICS_PORT: String(METRICS_PORT),
};

export class Stack implements AsyncDisposable {
  readonly #scene: string;
  readonly #images: Images;
  readonly #folder: string;
  readonly #network: StartedNetwork;
  readonly #containers = new Map<Name, StartedTestContainer>();

  private constructor(scene: string, images: Images, folder: string, network: StartedNetwork) {
    this.#scene = scene;
    this.#images = images;
    this.#folder = folder;
    this.#network = network;
  }

  /** `scene` names the logs; `servers` are those that the file of models names first. */
  static async start(
    scene: string,
    servers: readonly ServerName[] = SERVERS,
    { ingress = false, valkey = false } = {},
  ): Promise<Stack> {
    // No reaper: its image is in a registry.
    process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
    const images = await buildImages((line) => console.error(line));
    const folder = await mkdtemp(join(tmpdir(), "localmodel-stack-"));
    // Users in containers are others than this one.
    await chmod(folder, 0o755);
    const stack = new Stack(scene, images, folder, await new Network().start());
    try {
      await stack.serveFrom(servers);
      if (valkey) await stack.#startValkey();
      await stack.#startAll();
      if (valkey) await stack.#startApi("api-b");
      if (ingress) await stack.#startIngress();
      return stack;
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  get apiUrl(): string {
    return this.#url("api", HTTP_PORT);
  }

  get ingressUrl(): string {
    return this.#url("nginx", INGRESS_PORT);
  }

  get jaeger(): Jaeger {
    return Jaeger.at(this.#url("jaeger", 16_686));
  }

  get prometheus(): Prometheus {
    return new Prometheus(this.#url("prometheus", 9090));
  }

  /** Where Valkey is for this machine. */
  get valkey(): { readonly host: string; readonly port: number; readonly password: string } {
    const { hostname, port } = new URL(this.#url("valkey", VALKEY_PORT));
    return { host: hostname, port: Number(port), password: VALKEY_PASSWORD };
  }

  /** OpenAI's client, which tries nothing again: what happens to a request shows. */
  client(headers: Readonly<Record<string, string>> = {}, replica: Replica = "api"): OpenAI {
    const options = { apiKey: "none", maxRetries: 0, defaultHeaders: { ...headers } };
    return new OpenAI({ baseURL: `${this.#url(replica, HTTP_PORT)}/v1`, ...options });
  }

  container(name: Name): StartedTestContainer {
    const container = this.#containers.get(name);
    if (container === undefined) throw new Error(`${name} has not been started`);
    return container;
  }

  /** As if its machine lost power: no drain, no farewell. */
  async kill(name: Name): Promise<void> {
    await run("docker", ["kill", this.container(name).getId()]);
  }

  /** One that was killed begins anew, where it was. */
  async revive(name: Name): Promise<void> {
    await run("docker", ["start", this.container(name).getId()]);
  }

  /** It accepts connections, and says nothing on them until it is thawed. */
  async freeze(name: Name): Promise<void> {
    await run("docker", ["pause", this.container(name).getId()]);
  }

  async thaw(name: Name): Promise<void> {
    await run("docker", ["unpause", this.container(name).getId()]);
  }

  /** Waits until the container's log has it. */
  async said(name: Name, words: string): Promise<void> {
    const log = logPath(this.#scene, name);
    await eventually(`${name} to say ${words}`, async () => {
      if (!(await readFile(log, "utf8")).includes(words)) throw new Error(`it has not; see ${log}`);
    });
  }

  /** Writes the file of models, without the model if it has no server; the service follows it. */
  async serveFrom(servers: readonly ServerName[]): Promise<void> {
    const endpoints = servers.map((server) => `http://${server}:${HTTP_PORT}`);
    const model = { id: MODEL, aliases: ["small"], slots: 2, endpoints };
    const models = endpoints.length === 0 ? [] : [model];
    await this.#write("models/models.yaml", JSON.stringify({ models }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#containers.values()].map((container) => container.stop()));
    await this.#network.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startAll(): Promise<void> {
    const scraped = prometheusConfig([...SERVERS, "api"], METRICS_PORT);
    await this.#write("prometheus/prometheus.yml", scraped);
    const weights = await smollm2Path();
    const starts = await Promise.allSettled([
      this.#start("jaeger", {
        environment: { COLLECTOR_OTLP_ENABLED: "true" },
        ports: [16_686],
        readyPath: "/api/services",
      }),
      this.#start("prometheus", {
        mounts: [{ source: join(this.#folder, "prometheus"), target: "/etc/prometheus" }],
        ports: [9090],
        readyPath: "/-/ready",
      }),
      ...SERVERS.map((name) => this.#startModelServer(name, weights)),
      this.#startApi(),
    ]);
    for (const start of starts) if (start.status === "rejected") throw start.reason;
  }

  async #startModelServer(name: ServerName, weights: string): Promise<void> {
    const config: ServerConfigInput = {
      modelId: MODEL,
      aliases: ["small"],
      createdSeconds: 1_700_000_000,
      weightsPath: WEIGHTS,
      engine: { slots: 2, contextTokens: 1024, threads: 1 },
      host: "0.0.0.0",
      port: HTTP_PORT,
    };
    await this.#start(name, {
      environment: { ...TELEMETRY, MODEL_SERVER_CONFIG: JSON.stringify(config) },
      mounts: [{ source: weights, target: WEIGHTS }],
      ports: [HTTP_PORT],
      readyPath: "/readyz",
    });
  }

  async #startValkey(): Promise<void> {
    const readyPath = { says: "Ready to accept connections" };
    await this.#start("valkey", { ports: [VALKEY_PORT], readyPath });
  }

  async #startApi(name: Replica = "api"): Promise<void> {
    const config: ApiConfigInput = {
      host: "0.0.0.0",
      port: HTTP_PORT,
      directory: { file: "/etc/localmodel/models.yaml" },
    };
    const url = `valkey://:${VALKEY_PASSWORD}@valkey:${VALKEY_PORT}`;
    await this.#start(name, {
      environment: {
        ...TELEMETRY,
        API_CONFIG: JSON.stringify(config),
        ...(this.#containers.has("valkey") && { LOCALMODEL_VALKEY_URL: url }),
      },
      mounts: [{ source: join(this.#folder, "models"), target: "/etc/localmodel" }],
      ports: [HTTP_PORT],
      readyPath: "/readyz",
    });
  }

  /** Once there is an API service: nginx wants to know its address before it starts. */
  async #startIngress(): Promise<void> {
    await this.#start("nginx", { ports: [INGRESS_PORT], readyPath: "/readyz" });
  }

  async #start(
    name: Name,
    options: Omit<ContainerOptions, "name" | "image" | "network" | "scene">,
  ): Promise<void> {
    const image = this.#images[imageOf(name)];
    const place = { name, image, network: this.#network, scene: this.#scene };
    this.#containers.set(name, await startContainer({ ...place, ...options }));
  }

  async #write(path: string, content: string): Promise<void> {
    const file = join(this.#folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  #url(name: Name, port: number): string {
    const container = this.container(name);
    return `http://${container.getHost()}:${container.getMappedPort(port)}`;
  }
}

function imageOf(name: Name): keyof Images {
  if (name === "model-a" || name === "model-b") return "model-server";
  return name === "api-b" ? "api" : name;
}
