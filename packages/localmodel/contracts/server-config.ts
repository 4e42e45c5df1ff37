/**
 * What a model server is told when it starts: the part of a LocalModel that one process needs.
 *
 * The local supervisor and the operator write it, services/model-server reads it, as JSON in the
 * environment variable MODEL_SERVER_CONFIG. The weights are already on disk.
 */
import { z } from "zod";
import { EngineSpec, SamplingSpec } from "../resource/engine-spec.ts";
import { Schedule } from "../resource/schedule-spec.ts";
import { MetricsPort } from "./metrics-port.ts";
import { PinnedFiles } from "./pinned-file.ts";

export const SERVER_CONFIG_VARIABLE = "MODEL_SERVER_CONFIG";

export const ServerConfig = z.strictObject({
  modelId: z.string().min(1),
  aliases: z.array(z.string().min(1)).default([]),
  createdSeconds: z.int().min(0).describe("Unix time reported as the model's `created`."),
  accelerator: z
    .enum(["Required", "Preferred"])
    .exactOptional()
    .describe(
      "The server was given devices, and may, or may not, do without. Absent: it was given none.",
    ),
  weightsPath: z.string().min(1).describe("The GGUF, or the first part of a split one."),
  projectorPath: z
    .string()
    .min(1)
    .exactOptional()
    .describe("The projector (mmproj) of a model that takes images."),
  draftPath: z
    .string()
    .min(1)
    .exactOptional()
    .describe("A small model of the same vocabulary that drafts tokens for this one."),
  adapters: z
    .array(
      z.strictObject({
        id: z.string().min(1).exactOptional(),
        path: z.string().min(1),
        scale: z.number(),
      }),
    )
    .default([])
    .describe("LoRA adapters: with an id for requests that name it, without for all."),
  pinnedFiles: PinnedFiles.default([]).describe(
    "Files that are loaded only while they have the bytes of their checksum.",
  ),
  pinnedFilesPath: z
    .string()
    .min(1)
    .exactOptional()
    .describe("A file with more of them, left by whoever has fetched the weights."),
  imageHosts: z
    .array(z.string().min(1))
    .default([])
    .describe("Hosts that images are fetched from; `*.` stands for any below. None: nowhere."),
  engine: EngineSpec.prefault({}),
  contextFromMemory: z
    .boolean()
    .default(false)
    .describe(
      "Whether slots without engine.contextTokens get what the model was trained for as far as memory allows, and not at most 4096 tokens.",
    ),
  sleepAfterSeconds: z
    .int()
    .min(0)
    .max(31_536_000)
    .exactOptional()
    .describe(
      "Without a request for so long, the engine leaves memory until one comes. Absent: it never does.",
    ),
  startsAsleep: z
    .boolean()
    .default(false)
    .describe("Whether the engine is loaded only once it is asked for; needs sleepAfterSeconds."),
  awakeSchedule: Schedule.default([]).describe(
    "Times of the week in which the engine does not leave memory, and is loaded if it has.",
  ),
  sparedThreads: z
    .int()
    .min(0)
    .default(0)
    .describe("CPU threads that are left to others where engine.threads says nothing."),
  sampling: SamplingSpec.prefault({}),
  promptLogging: z
    .boolean()
    .default(false)
    .describe("Whether readers of /admin/log may see prompts and answers."),
  keySha256: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(16)
    .default([])
    .describe("SHA-256 of each key that requests may show: server-key.ts. None: anybody may ask."),
  host: z.string().default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(0).describe("0 takes a free port."),
  metricsPort: MetricsPort,
  drainTimeoutMs: z.int().min(0).default(30_000),
});
export type ServerConfig = z.infer<typeof ServerConfig>;
export type ServerConfigInput = z.input<typeof ServerConfig>;
