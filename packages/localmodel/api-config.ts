/**
 * What the API service is told when it starts.
 *
 * The local supervisor and the operator write it, services/api reads it, as JSON in the environment
 * variable API_CONFIG. Which models there are comes separately, as a Directory, and changes.
 */
import { z } from "zod";

export const API_CONFIG_VARIABLE = "API_CONFIG";

export const ApiConfig = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(1234).describe("0 takes a free port."),
  bodyMaxBytes: z
    .int()
    .min(1024)
    .default(32 * 1024 * 1024),
  drainTimeoutMs: z.int().min(0).default(30_000),
});
export type ApiConfig = z.infer<typeof ApiConfig>;
export type ApiConfigInput = z.input<typeof ApiConfig>;
