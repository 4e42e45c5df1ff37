/**
 * From the sampling options of a request to a value for every one of them.
 *
 * The request decides; what it leaves out comes from the LocalModel, then from the file's own defaults,
 * then from OpenAI's.
 */
import type { SamplingSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { RareSampling, Sampling } from "@localmodel/inference/generate.ts";

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

export function resolveSampling(
  asked: GenerateAsk["sampling"],
  { configured, fromFile, vocabularyTokens }: SamplingDefaults,
): Sampling {
  const known = { ...OPENAI_DEFAULTS, ...fromFile, ...configured };
  const {
    temperature = known.temperature,
    topP = known.topP,
    topK = known.topK,
    minP = known.minP,
    presencePenalty = known.presencePenalty,
    frequencyPenalty = known.frequencyPenalty,
    repeatPenalty = known.repeatPenalty,
    logitBias = [],
    // Has no default but llama.cpp's own, as what few ask for has.
    ...rest
  } = asked;
  return {
    temperature,
    topP,
    topK: Math.max(0, topK),
    minP,
    presencePenalty,
    frequencyPenalty,
    repeatPenalty,
    logitBias: withinVocabulary(logitBias, vocabularyTokens),
    ...said(rest),
  };
}

function said(rest: Unsure<RareSampling & Pick<Sampling, "seed">>): Pick<Sampling, "seed"> {
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
}

type Unsure<Options> = { readonly [Option in keyof Options]?: Options[Option] | undefined };

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
