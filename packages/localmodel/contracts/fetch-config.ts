/**
 * What the containers `fetch` and `inspect` of a model's pods are told, as JSON in the environment variable
 * FETCH_CONFIG, and what `fetch` answers on `GET /progress` while it works.
 *
 * Credentials are not part of it: Secrets are mounted as files (`secretFolder` in pod-layout.ts).
 */
import { z } from "zod";
import { SourceSpec } from "../resource/source-spec.ts";

export const FETCH_CONFIG_VARIABLE = "FETCH_CONFIG";

const FetchedFile = z.strictObject({
  role: z.string().min(1).describe('What it is for: "weights", "adapter-0" and so on.'),
  source: SourceSpec.describe("As in the LocalModel, but for volumes: those are files here."),
  path: z.string().min(1).describe("Where the server expects it; see pod-layout.ts."),
});
export type FetchedFile = z.infer<typeof FetchedFile>;

export const FetchConfig = z.strictObject({
  files: z.array(FetchedFile).describe("The weights first. None: the cache is only cleaned."),
  cacheFolder: z.string().min(1),
  cacheIsShared: z
    .boolean()
    .default(false)
    .describe(
      "Whether other pods may write to it: then its files are read before they are believed.",
    ),
  sourceHosts: z
    .array(z.string().min(1))
    .exactOptional()
    .describe("Hosts that http and s3 sources may be redirected to; absent: all."),
  pinnedFilesPath: z
    .string()
    .min(1)
    .exactOptional()
    .describe("Where to leave what the server compares before it loads: pinned-file.ts."),
  host: z.string().min(1).default("0.0.0.0"),
  port: z.int().min(0).max(65_535),
});
export type FetchConfig = z.infer<typeof FetchConfig>;
export type FetchConfigInput = z.input<typeof FetchConfig>;

/** The body of `GET /progress`. */
export const FetchProgress = z.object({
  message: z.string().describe("One sentence for a person: bytes, percent, or why it waits."),
  receivedBytes: z.number().min(0),
  totalBytes: z.number().min(0).exactOptional(),
  /** Whether nothing has arrived for a while and it tries again. */
  stalled: z.boolean(),
  /**
   * What it waits for, while it tries again: a reason of packages/weights' errors. "SecretMissing" needs a
   * person, who is told by the message what to create.
   */
  reason: z
    .string()
    .regex(/^[A-Z][A-Za-z0-9]*$/)
    .exactOptional(),
});
export type FetchProgress = z.infer<typeof FetchProgress>;
