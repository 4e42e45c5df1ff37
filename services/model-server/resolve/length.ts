/**
 * How long an answer may and must be.
 *
 * As with sampling, the request decides and the LocalModel, the file and the endpoint's own default follow.
 * More than the context holds may be asked for: the answer then ends with the context.
 */
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import type { SamplingDefaults } from "./sampling.ts";

const UNLIMITED = -1;

export function resolveLength(
  { most, least = 0, otherwise }: GenerateAsk["length"],
  { configured, fromFile }: Pick<SamplingDefaults, "configured" | "fromFile">,
): Pick<GenerateRequest, "maxTokens" | "minTokens"> {
  const limit = most ?? configured.maxTokens ?? fromFile.maxTokens ?? otherwise ?? UNLIMITED;
  if (limit !== UNLIMITED && least > limit) {
    throw invalidRequest(
      "min_tokens",
      `Invalid 'min_tokens': at least ${least} tokens are asked for, but the answer may have at most ${limit}.`,
      "integer_above_max_value",
    );
  }
  return {
    ...(limit !== UNLIMITED && { maxTokens: limit }),
    ...(least > 0 && { minTokens: least }),
  };
}
