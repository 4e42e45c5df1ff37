/** A request's sampling as a chain of llama.cpp's samplers, in the order in which its server has them. Pure. */
import type { Sampling } from "@localmodel/inference/generate.ts";
import type { Stage } from "@localmodel/llama/sampling/stages.ts";

/** How far penalties look back, unless the request says: the last tokens of the prompt and of what was generated. */
const PENALTY_TOKENS = 64;

type StagesOf = {
  readonly seed: number;
  /** What "to the beginning" means at most. */
  readonly contextTokens: number;
};

/** Candidates that mirostat estimates from: its paper's. */
const MIROSTAT_M = 100;

/** What ends a sequence that may not be repeated: the defaults of llama.cpp's server. */
const DRY_BREAKERS = ["\n", ":", '"', "*"];

export function stagesOf(sampling: Sampling, of: StagesOf): readonly Stage[] {
  return [...shapingOf(sampling, of), ...choosingOf(sampling, of)];
}

/** So many tokens before the answer the stages want to know of. */
export function historyTokensOf(stages: readonly Stage[]): number {
  return Math.max(0, ...stages.map((stage) => ("lastTokens" in stage ? stage.lastTokens : 0)));
}

/** What changes which token is the likeliest. */
function shapingOf(sampling: Sampling, { contextTokens }: StagesOf): readonly Stage[] {
  const { logitBias, repeatPenalty, frequencyPenalty, presencePenalty, dry } = sampling;
  const penalised = repeatPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0;
  const reach = (tokens: number): number => Math.min(tokens < 0 ? Infinity : tokens, contextTokens);
  const lastTokens = reach(sampling.penaltyTokens ?? PENALTY_TOKENS);
  return [
    ...stageIf(logitBias.length > 0, { type: "logitBias", biases: logitBias }),
    ...stageIf(penalised && lastTokens > 0, {
      type: "penalties",
      lastTokens,
      repeat: repeatPenalty,
      frequency: frequencyPenalty,
      presence: presencePenalty,
    }),
    ...(dry && dry.lastTokens !== 0
      ? [
          {
            type: "dry" as const,
            ...dry,
            lastTokens: reach(dry.lastTokens),
            breakers: DRY_BREAKERS,
          },
        ]
      : []),
  ];
}

function choosingOf(sampling: Sampling, { seed }: StagesOf): readonly Stage[] {
  const { temperature, mirostat } = sampling;
  if (temperature === 0) return [{ type: "greedy" }];
  if (mirostat?.version === 1) {
    return [temperatureOf(sampling), { type: "mirostat", seed, ...mirostat, m: MIROSTAT_M }];
  }
  if (mirostat) return [temperatureOf(sampling), { type: "mirostatV2", seed, ...mirostat }];
  return drawnFrom(sampling, seed);
}

/**
 * What a token is drawn by, where the likely ones are to stand first or be taken as if they did: otherwise the same seed would
 * not draw the same in any company. Top k leaves few, in order, and llama.cpp's own stages take no time for those.
 * They sort a whole vocabulary, which is why `draw` does their work where there is no top k.
 */
function drawnFrom(sampling: Sampling, seed: number): readonly Stage[] {
  const { topK, typicalP = 1, topP, minP, temperature } = sampling;
  const few = fewestOf(sampling);
  const likely = likeliestOf(sampling, seed);
  if (topK > 0 && typicalP >= 1) {
    return [...few, ...likely, temperatureOf(sampling), { type: "dist", seed }];
  }
  const draw = { type: "draw", topP: 1, minP: 0, temperature, seed } as const;
  if (sampling.dynamicTemperature) {
    return [...few, ...likely, temperatureOf(sampling), { ...draw, temperature: 1 }];
  }
  const isPlain = topK === 0 && sampling.xtc === undefined && (sampling.minKeep ?? 1) <= 1;
  return isPlain ? [...few, { ...draw, topP, minP }] : [...few, ...likely, draw];
}

function fewestOf(sampling: Sampling): readonly Stage[] {
  const { topK, topNSigma = 0, typicalP = 1 } = sampling;
  const minKeep = minKeepOf(sampling);
  return [
    ...stageIf(topNSigma > 0, { type: "topNSigma", n: topNSigma }),
    ...stageIf(topK > 0, { type: "topK", k: topK }),
    ...stageIf(typicalP < 1, { type: "typicalP", p: typicalP, minKeep }),
  ];
}

function likeliestOf(sampling: Sampling, seed: number): readonly Stage[] {
  const { topP, minP, xtc } = sampling;
  const minKeep = minKeepOf(sampling);
  return [
    ...stageIf(topP < 1, { type: "topP", p: topP, minKeep }),
    ...stageIf(minP > 0, { type: "minP", p: minP, minKeep }),
    ...(xtc ? [{ type: "xtc" as const, ...xtc, minKeep, seed }] : []),
  ];
}

function minKeepOf({ minKeep = 1 }: Sampling): number {
  return Math.max(1, minKeep);
}

function temperatureOf({ temperature, dynamicTemperature }: Sampling): Stage {
  if (dynamicTemperature === undefined) return { type: "temperature", temperature };
  return { type: "dynamicTemperature", temperature, ...dynamicTemperature };
}

function stageIf(needed: boolean, stage: Stage): readonly Stage[] {
  return needed ? [stage] : [];
}
