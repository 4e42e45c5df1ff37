/**
 * Options of llama.cpp's samplers that few clients send, under the names of its server and with its values for "not used",
 * which its clients send without being asked.
 */
import type { RareSampling } from "@localmodel/inference/generate.ts";
import { z } from "zod";
import { refusal } from "./issue.ts";

/** In llama.cpp's server these are the defaults. */
const DRY_BREAKERS = ["\n", ":", '"', "*"];

/** Sequences are compared with the whole vocabulary before the first token, which takes too long for strings at will. */
const DryBreakers = z
  .array(z.string())
  .refine(
    (breakers) => breakers.toSorted().join("\0") === DRY_BREAKERS.toSorted().join("\0"),
    refusal(
      `This server does not support '{param}' other than ${JSON.stringify(DRY_BREAKERS)}, in any order.`,
      "unsupported_value",
    ),
  );

/** How far to look back: 0 nowhere, -1 to the beginning. */
const LastTokens = z.int().min(-1).max(1_000_000);

export const rareSamplingFields = {
  min_keep: z.int().min(0).max(1_000_000).exactOptional(),
  typical_p: z.number().min(0).max(1).exactOptional(),
  top_n_sigma: z.number().min(-1).max(1000).exactOptional(),
  xtc_probability: z.number().min(0).max(1).exactOptional(),
  xtc_threshold: z.number().min(0).max(1).exactOptional(),
  dry_multiplier: z.number().min(0).max(100).exactOptional(),
  dry_base: z.number().min(1).max(100).exactOptional(),
  dry_allowed_length: z.int().min(0).max(10_000).exactOptional(),
  dry_penalty_last_n: LastTokens.exactOptional(),
  dry_sequence_breakers: DryBreakers.exactOptional(),
  mirostat: z.union([z.literal(0), z.literal(1), z.literal(2)]).exactOptional(),
  mirostat_tau: z.number().min(0).max(100).exactOptional(),
  mirostat_eta: z.number().min(0).max(1).exactOptional(),
  dynatemp_range: z.number().min(0).max(2).exactOptional(),
  dynatemp_exponent: z.number().min(0).max(100).exactOptional(),
  repeat_last_n: LastTokens.exactOptional(),
} as const;

type RareFields = z.output<z.ZodObject<typeof rareSamplingFields>>;

export function askedRareSampling(fields: RareFields): Asked {
  return {
    minKeep: fields.min_keep,
    typicalP: fields.typical_p,
    topNSigma: fields.top_n_sigma,
    penaltyTokens: fields.repeat_last_n,
    ...optionsOf(fields),
  };
}

type Asked = { readonly [Option in keyof RareSampling]?: RareSampling[Option] | undefined };

/** What is switched on by one field, with the defaults of llama.cpp's server for the fields that belong to it. */
function optionsOf(fields: RareFields): RareSampling {
  const {
    xtc_probability: probability = 0,
    xtc_threshold: threshold = 0.1,
    mirostat: version = 0,
    mirostat_tau: tau = 5,
    mirostat_eta: eta = 0.1,
    dynatemp_range: range = 0,
    dynatemp_exponent: exponent = 1,
  } = fields;
  const dry = dryOf(fields);
  return {
    ...(probability !== 0 && { xtc: { probability, threshold } }),
    ...(dry.multiplier !== 0 && { dry }),
    ...(version !== 0 && { mirostat: { version, tau, eta } }),
    ...(range !== 0 && { dynamicTemperature: { range, exponent } }),
  };
}

function dryOf(fields: RareFields): NonNullable<RareSampling["dry"]> {
  const {
    dry_multiplier: multiplier = 0,
    dry_base: base = 1.75,
    dry_allowed_length: allowedLength = 2,
    dry_penalty_last_n: lastTokens = -1,
  } = fields;
  return { multiplier, base, allowedLength, lastTokens };
}
