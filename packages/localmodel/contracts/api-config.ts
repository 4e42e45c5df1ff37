/**
 * What the API service is told when it starts.
 *
 * The local supervisor and the chart write it, services/api reads it, as JSON in the environment variable
 * API_CONFIG. Which models there are comes separately and changes: as a Directory from the process that
 * started it, from the Kubernetes API, or from a file (directory-document.ts).
 */
import { z } from "zod";
import { MetricsPort } from "./metrics-port.ts";

export const API_CONFIG_VARIABLE = "API_CONFIG";

/** As browsers send it, without a path. */
const Origin = z
  .string()
  .regex(
    /^(?:\*|[a-z][a-z0-9+.-]*:\/\/[^\s/?#*@]+)$/,
    "must be an origin such as https://chat.example.com, or *",
  );

export function isOrigin(text: string): boolean {
  return Origin.safeParse(text).success;
}

export const ApiConfig = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(1234).describe("0 takes a free port."),
  metricsPort: MetricsPort,
  demandPort: z
    .int()
    .min(0)
    .max(65_535)
    .exactOptional()
    .describe(
      "In Kubernetes: where the operator is told who is asked for; with /metrics if left out.",
    ),
  directory: z
    .union([
      z.enum(["parent", "kubernetes"]),
      z.strictObject({
        file: z.string().min(1).describe("A document of models, followed while it changes."),
      }),
    ])
    .default("parent")
    .describe("Who says which models there are."),
  namespaces: z
    .array(z.string().min(1))
    .default([])
    .describe("In Kubernetes: namespaces whose LocalModels it serves; empty for all."),
  bodyMaxBytes: z
    .int()
    .min(1024)
    .default(32 * 1024 * 1024)
    .describe("Of one request; 413 beyond it."),
  bodiesMaxBytes: z
    .int()
    .min(1024)
    .default(512 * 1024 * 1024)
    .describe(
      "Of all requests that are open, together, and of one key (without keys, one address) as much as stays free; " +
        "503 beyond it.",
    ),
  bodyIdleTimeoutMs: z
    .int()
    .min(1)
    .max(300_000)
    .default(10_000)
    .describe("Longest pause inside a request's body; 408 after that."),
  maxQueuedRequests: z
    .int()
    .min(0)
    .default(512)
    .describe(
      "Requests for one model that wait here beyond those its servers have; 429 after that, for the key that has " +
        "most of them.",
    ),
  maxHeldRequests: z
    .int()
    .min(0)
    .default(5000)
    .describe(
      "Instead, for a model that is being woken: together with all that wait for any other model.",
    ),
  queueTimeoutMs: z
    .int()
    .min(0)
    .default(600_000)
    .describe("Longest wait for a place at a server; as long as the official clients wait."),
  loadingTimeoutMs: z
    .int()
    .min(0)
    .default(30_000)
    .describe("Longest wait for a model that is loading or restarting; 503 after that."),
  drainTimeoutMs: z.int().min(0).default(30_000),
  drainQuietMs: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "When it is told to end, it takes new requests until none was open for so long: where others choose who is " +
        "asked, they learn of it later. 0 refuses them at once. It comes on top of drainTimeoutMs.",
    ),
  keptResponses: z
    .strictObject({
      maxCount: z.int().min(0).default(10_000),
      maxBytes: z
        .int()
        .min(0)
        .default(64 * 1024 * 1024),
      lifetimeSeconds: z.int().min(1).default(86_400).describe("Since its last use."),
    })
    .prefault({})
    .describe(
      "Answers of /v1/responses that are kept in memory, to be gone on with; those of the key that has most go first. In " +
        "Valkey so many of each key.",
    ),
  valkey: z
    .strictObject({
      url: z
        .string()
        .min(1)
        .exactOptional()
        .describe(
          "valkey://HOST:PORT, or valkeys:// for TLS; LOCALMODEL_VALKEY_URL goes before it.",
        ),
      caFile: z
        .string()
        .min(1)
        .exactOptional()
        .describe("Certificates to believe in TLS, instead of those that the process believes."),
      prefix: z
        .string()
        .min(1)
        .max(200)
        .default("localmodel")
        .describe(
          "Of all keys in it: services that share one, and not their clients, need their own.",
        ),
    })
    .prefault({})
    .describe(
      "Keeps answers for all replicas, and counts what keys use, instead of each in its memory; absent without a URL.",
    ),
  peers: z
    .array(z.url({ protocol: /^http$/ }))
    .default([])
    .describe(
      "Base URLs of the service's other replicas, to ask them for what they keep; each address that a name has is one. " +
        "They know each other by the secret of `serverKeyFile`.",
    ),
  serverKeyFile: z
    .string()
    .min(1)
    .exactOptional()
    .describe("The secret that model servers know the service by: server-key.ts."),
  keysFile: z
    .string()
    .min(1)
    .exactOptional()
    .describe("A document of API keys, followed while it changes."),
  keySecrets: z
    .boolean()
    .default(false)
    .describe("In Kubernetes: take API keys from labelled Secrets of the service's own namespace."),
  adminFromLoopback: z
    .boolean()
    .default(false)
    .describe("Whether /admin is open to this machine while no keys are configured."),
  checkHost: z
    .boolean()
    .default(false)
    .describe("Refuse host names that a web page could have pointed at this machine."),
  cors: z
    .strictObject({ origins: z.array(Origin).default([]) })
    .prefault({})
    .describe("Web pages that may use the service from a browser."),
});
export type ApiConfig = z.infer<typeof ApiConfig>;
export type ApiConfigInput = z.input<typeof ApiConfig>;
