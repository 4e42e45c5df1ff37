/** A request's sampling in the library's terms. Every option is passed: its defaults are not OpenAI's. */
import {
  type LlamaModel,
  type SequenceEvaluateOptions,
  type Token,
  TokenBias,
} from "node-llama-cpp";
import type { SampleOptions } from "../stepping/sequence.ts";

const PENALTY_WINDOW_TOKENS = 64;

export function samplerOptions(
  model: LlamaModel,
  { sampling, seed, bansEnd, history, onDecoded }: SampleOptions,
): SequenceEvaluateOptions {
  const { repeatPenalty, frequencyPenalty, presencePenalty } = sampling;
  const penalised = repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0;
  return {
    temperature: sampling.temperature,
    topK: sampling.topK,
    topP: sampling.topP,
    minP: sampling.minP,
    seed,
    // The library asks for the grammar's state when it is about to choose a token.
    grammarEvaluationState: () => {
      onDecoded();
      return undefined;
    },
    ...(penalised && {
      repeatPenalty: {
        // llama.cpp's window: the last tokens of the prompt and of what was generated.
        punishTokens: () => history(PENALTY_WINDOW_TOKENS) as Token[],
        maxPunishTokens: PENALTY_WINDOW_TOKENS,
        penalty: repeatPenalty,
        frequencyPenalty,
        presencePenalty,
      },
    }),
    ...((sampling.logitBias.length > 0 || bansEnd !== undefined) && {
      tokenBias: () => tokenBias(model, sampling.logitBias, bansEnd?.() === true),
    }),
  };
}

/**
 * The library refuses to bias end-of-generation tokens, which OpenAI's logit_bias may name and which
 * `ignore_eos` must ban: they go into its table directly.
 */
function tokenBias(
  model: LlamaModel,
  biases: readonly (readonly [number, number])[],
  banEnd: boolean,
): TokenBias {
  const bias = TokenBias.for(model);
  const { _biases: table } = bias as unknown as { _biases: Map<number, number> };
  for (const [token, logit] of biases) table.set(token, logit);
  if (banEnd) {
    for (const token of endTokens(model)) table.set(token, Number.NEGATIVE_INFINITY);
  }
  return bias;
}

const endTokensOfModel = new WeakMap<LlamaModel, readonly number[]>();

function endTokens(model: LlamaModel): readonly number[] {
  const known = endTokensOfModel.get(model);
  if (known !== undefined) return known;
  const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const tokens = Array.from({ length: size }, (_, token) => token).filter((token) =>
    model.isEogToken(token as Token),
  );
  endTokensOfModel.set(model, tokens);
  return tokens;
}
