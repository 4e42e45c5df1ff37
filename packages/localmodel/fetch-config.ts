/**
 * What the init container of a model's pod is told, as JSON in the environment variable FETCH_CONFIG,
 * and what it answers on `GET /progress` while it works.
 *
 * Credentials are not part of it: they come from Secrets, as environment variables and mounted files.
 */
import { z } from "zod";
import { SourceSpec } from "./source-spec.ts";

export const FETCH_CONFIG_VARIABLE = "FETCH_CONFIG";

const FetchedFile = z.strictObject({
  source: SourceSpec.describe("Without references to Secrets' contents: those are mounted."),
  path: z.string().min(1).describe("Where the server expects it; see pod-layout.ts."),
  headersFolder: z
    .string()
    .min(1)
    .exactOptional()
    .describe("A mounted Secret: each file's name is a request header, its content the value."),
});

export const FetchConfig = z.strictObject({
  files: z.array(FetchedFile).min(1),
  cacheFolder: z.string().min(1),
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
});
export type FetchProgress = z.infer<typeof FetchProgress>;
