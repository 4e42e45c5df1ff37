/**
 * From the sampling fields of a request to a value for every one of them.
 *
 * The request decides; what it leaves out comes from the LocalModel, then from the file's own defaults,
 * then from OpenAI's.
 */
import type { SamplingSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { Sampling } from "@localmodel/inference/generate.ts";
import type { samplingFields } from "@localmodel/openai/fields.ts";
import type { z } from "zod";

type SamplingRequest = z.output<z.ZodObject<typeof samplingFields>>;

/** What stands behind a request, the more specific first. */
export type SamplingDefaults = {
  readonly configured: SamplingSpec;
  readonly fromFile: SamplingSpec;
  readonly vocabularyTokens: number;
};

const OPENAI_DEFAULTS = {
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repeatPenalty: 1,
} as const;

export function resolveSampling(request: SamplingRequest, defaults: SamplingDefaults): Sampling {
  const { configured, fromFile, vocabularyTokens } = defaults;
  const known = { ...OPENAI_DEFAULTS, ...fromFile, ...configured };
  return {
    temperature: request.temperature ?? known.temperature,
    topP: request.top_p ?? known.topP,
    // vLLM's clients say -1 where llama.cpp's say 0: every token.
    topK: Math.max(0, request.top_k ?? known.topK),
    minP: request.min_p ?? known.minP,
    presencePenalty: request.presence_penalty ?? known.presencePenalty,
    frequencyPenalty: request.frequency_penalty ?? known.frequencyPenalty,
    repeatPenalty: request.repeat_penalty ?? request.repetition_penalty ?? known.repeatPenalty,
    logitBias: withinVocabulary(request.logit_bias ?? [], vocabularyTokens),
    ...(request.seed !== undefined && { seed: request.seed }),
  };
}

type LogitBias = Sampling["logitBias"];

function withinVocabulary(logitBias: LogitBias, vocabularyTokens: number): LogitBias {
  const outside = logitBias.find(([token]) => token >= vocabularyTokens);
  if (outside === undefined) return logitBias;
  throw invalidRequest(
    "logit_bias",
    `Invalid 'logit_bias': token ${outside[0]} is not in the model's vocabulary of ${vocabularyTokens} tokens.`,
    "invalid_value",
  );
}
