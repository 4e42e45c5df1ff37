/**
 * Who is asked for in a cluster: what each pod of the API service tells the operator, which decides how many pods of a
 * model there are.
 *
 * `GET /demand` on the port of /metrics is a stream of lines (application/x-ndjson) that ends only when the pod does. Each
 * line is the whole picture, so that one which is lost or left out costs nothing. The first comes at once; then one
 * whenever a model begins or ceases to be asked for; other changes wait for each other a quarter of a second; and at
 * least one every five seconds, so that silence means that something is broken.
 */
import { z } from "zod";

export const DEMAND_PATH = "/demand";

const DEMAND_VERSION = 1;

/** Of one line. Thousands of models fit. */
export const DEMAND_LINE_MAX_BYTES = 4 * 1024 * 1024;
const MODELS_MAX = 10_000;
const SERVERS_MAX = 1000;
const MESSAGE_MAX_CHARACTERS = 1024;
const NAME_MAX_CHARACTERS = 253;

const name = z.string().min(1).max(NAME_MAX_CHARACTERS);
/** Why weights could not come into memory just now, in one word and in a sentence. */
export const Lack = z.object({
  reason: z.string().regex(/^[A-Z][A-Za-z0-9]{0,63}$/),
  message: z.string().max(MESSAGE_MAX_CHARACTERS),
});
export type Lack = z.infer<typeof Lack>;

/** Of any length. */
export function lackOf(reason: string, message: string): Lack {
  return { reason, message: message.slice(0, MESSAGE_MAX_CHARACTERS) };
}

const count = z.int().min(0).max(1_000_000_000);
/** Unix time by the clock of the API service's pod; 0: never. */
const time = z.int().min(0).max(8_640_000_000_000_000);

export const ModelDemand = z.object({
  namespace: name,
  name: name,
  inFlight: count.describe("Requests that its servers work on."),
  queued: count.describe("Requests that wait for a place at one."),
  lastAskedAtMs: time.describe(
    "When a request for it last came or ended. One that did not wait moves this alone, and wants it awake all the same.",
  ),
  lastCameAtMs: time.describe("When a request for it last came."),
  sleepAskedAtMs: time
    .exactOptional()
    .describe(
      "When an administrator last asked for its sleep: if no request has come anywhere since, it need not be idle first.",
    ),
  isUnloaded: z
    .boolean()
    .exactOptional()
    .describe(
      "Its pods are there, and none of them has its weights in memory. Absent: not so, or not known.",
    ),
  lack: Lack.exactOptional().describe(
    "Why, where they were to be loaded and could not be. It is tried again while somebody waits.",
  ),
  servers: z
    .array(z.object({ pod: name, inFlight: count, remembered: count.exactOptional() }))
    .max(SERVERS_MAX)
    .default([])
    .describe(
      "Of `inFlight`, by pod, and how many beginnings of prompts it is likely to have cached; those that have none of " +
        "both may be left out.",
    ),
});
export type ModelDemand = z.infer<typeof ModelDemand>;

export const DemandPicture = z.object({
  version: z.literal(DEMAND_VERSION),
  pod: name.describe("Whose picture it is."),
  startedAtMs: time.describe("Before that it knows nothing."),
  models: z
    .array(ModelDemand)
    .max(MODELS_MAX)
    .describe("Those that scale and have been asked for since then, or have no weights in memory."),
});
export type DemandPicture = z.infer<typeof DemandPicture>;

/** With its end of line. */
export function demandLine(picture: Omit<DemandPicture, "version">): string {
  return `${JSON.stringify({ version: DEMAND_VERSION, ...picture } satisfies DemandPicture)}\n`;
}

/** Undefined for anything that is no picture of a version that can be read. Fields of newer ones are dropped. */
export function parseDemandPicture(line: string): DemandPicture | undefined {
  if (line.length > DEMAND_LINE_MAX_BYTES) return undefined;
  try {
    return DemandPicture.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
