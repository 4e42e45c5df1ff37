/** The sampling options that a request has, under the names that every dialect's have here. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { z } from "zod";
import type { samplingFields } from "./fields.ts";
import { askedRareSampling } from "./rare-sampling.ts";

type SamplingRequest = z.output<z.ZodObject<typeof samplingFields>>;

export function askedSampling(request: SamplingRequest): GenerateAsk["sampling"] {
  return {
    temperature: request.temperature,
    topP: request.top_p,
    // vLLM's clients say -1 where llama.cpp's say 0: every token.
    topK: request.top_k === undefined ? undefined : Math.max(0, request.top_k),
    minP: request.min_p,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    repeatPenalty: request.repeat_penalty ?? request.repetition_penalty,
    logitBias: request.logit_bias,
    seed: request.seed,
    ...askedRareSampling(request),
  };
}
