/**
 * `spec.engine.rope`: how positions are turned into what the model reads, where that is not to be as its file says.
 *
 * Model cards give it as `rope_scaling` (type, factor, original context), and llama-server as `--rope-…` and `--yarn-…`.
 */
import { z } from "zod";

const YarnSpec = z.strictObject({
  originalContextTokens: z
    .int()
    .min(1)
    .max(16_777_216)
    .exactOptional()
    .describe(
      "Context the model was trained for before it was stretched. Default: as its file says.",
    ),
  extrapolationFactor: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe("How much is extrapolated and not interpolated; 0 interpolates all."),
  attentionFactor: z
    .number()
    .min(0)
    .max(100)
    .exactOptional()
    .describe(
      "Scales attention, where nothing is extrapolated: otherwise it follows from the factor.",
    ),
  betaFast: z
    .number()
    .min(0)
    .max(10_000)
    .exactOptional()
    .describe("Rotations over the original context from which on nothing is interpolated."),
  betaSlow: z
    .number()
    .min(0)
    .max(10_000)
    .exactOptional()
    .describe("Rotations over the original context up to which all is interpolated."),
});

export const RopeSpec = z.strictObject({
  scaling: z
    .enum(["none", "linear", "yarn", "longrope"])
    .exactOptional()
    .describe("How positions are scaled. Default: as the file says, usually not at all."),
  factor: z
    .number()
    .min(0.001)
    .max(10_000)
    .exactOptional()
    .describe(
      "How many times as long a context as the model was trained for: 4 makes 128k of 32k.",
    ),
  frequencyBase: z
    .number()
    .min(1)
    .max(1_000_000_000_000)
    .exactOptional()
    .describe("Base of the rotations' frequencies."),
  yarn: YarnSpec.exactOptional().describe("What only scaling `yarn` looks at."),
});
export type RopeSpec = z.infer<typeof RopeSpec>;
