/**
 * The stages that a sampler is made of, as llama.cpp has them, with the names that its server gives their settings.
 * What each does to the candidates is written in llama.h.
 */
import type { Vocabulary } from "../vocabulary.ts";
import type { Native } from "../native/native.ts";
import type { Pointer } from "../pointer.ts";

/** What chooses the token: one of these ends a sampler that chooses. Seeds are 32 bits, and always given. */
type ChoosingStage =
  /** Ours, in place of top p, min p, temperature and dist: what is before it need not leave the likely ones first. */
  | {
      readonly type: "draw";
      /** 1 drops nothing. */
      readonly topP: number;
      /** 0 drops nothing. */
      readonly minP: number;
      readonly temperature: number;
      readonly seed: number;
    }
  | { readonly type: "greedy" }
  | { readonly type: "dist"; readonly seed: number }
  | {
      readonly type: "mirostat";
      readonly seed: number;
      readonly tau: number;
      readonly eta: number;
      /** Candidates to estimate from; the paper has 100. */
      readonly m: number;
    }
  | {
      readonly type: "mirostatV2";
      readonly seed: number;
      readonly tau: number;
      readonly eta: number;
    }
  | {
      readonly type: "adaptiveP";
      readonly target: number;
      readonly decay: number;
      readonly seed: number;
    };

export type ShapingStage =
  | { readonly type: "temperature"; readonly temperature: number }
  | {
      readonly type: "dynamicTemperature";
      readonly temperature: number;
      readonly range: number;
      readonly exponent: number;
    }
  | { readonly type: "topK"; readonly k: number }
  | { readonly type: "topP"; readonly p: number; readonly minKeep: number }
  | { readonly type: "minP"; readonly p: number; readonly minKeep: number }
  | { readonly type: "typicalP"; readonly p: number; readonly minKeep: number }
  | { readonly type: "topNSigma"; readonly n: number }
  | {
      readonly type: "xtc";
      readonly probability: number;
      readonly threshold: number;
      readonly minKeep: number;
      readonly seed: number;
    }
  | {
      readonly type: "penalties";
      /** How far they look back; -1 is not allowed here, as a context's length is not known. */
      readonly lastTokens: number;
      readonly repeat: number;
      readonly frequency: number;
      readonly presence: number;
    }
  | {
      readonly type: "dry";
      readonly multiplier: number;
      readonly base: number;
      readonly allowedLength: number;
      readonly lastTokens: number;
      readonly breakers: readonly string[];
    }
  | {
      readonly type: "logitBias";
      readonly biases: readonly (readonly [token: number, bias: number])[];
    }
  | {
      readonly type: "grammar";
      /** GBNF. */
      readonly grammar: string;
      /** Default `root`. */
      readonly root?: string;
      /** The grammar holds from where one of these is found in what was generated. Default: from the beginning. */
      readonly triggers?: {
        readonly patterns: readonly string[];
        readonly tokens: readonly number[];
      };
    }
  | { readonly type: "infill" };

export type Stage = ShapingStage | ChoosingStage;

const CHOOSING: ReadonlySet<Stage["type"]> = new Set<ChoosingStage["type"]>([
  "draw",
  "greedy",
  "dist",
  "mirostat",
  "mirostatV2",
  "adaptiveP",
]);

export function chooses({ type }: Stage): boolean {
  return CHOOSING.has(type);
}

/** What llama.cpp has. */
type NativeStage = Exclude<Stage, { type: "draw" }>;
type Made = Pointer<"llama_sampler"> | null;
type Makers = {
  readonly [Type in NativeStage["type"]]: (
    stage: Extract<NativeStage, { type: Type }>,
    call: Native["call"],
    vocabulary: Vocabulary,
  ) => Made;
};

const MAKERS: Makers = {
  greedy: (_, call) => call.llama_sampler_init_greedy(),
  dist: ({ seed }, call) => call.llama_sampler_init_dist(seed),
  mirostat: ({ seed, tau, eta, m }, call, { size }) =>
    call.llama_sampler_init_mirostat(size, seed, tau, eta, m),
  mirostatV2: ({ seed, tau, eta }, call) => call.llama_sampler_init_mirostat_v2(seed, tau, eta),
  adaptiveP: ({ target, decay, seed }, call) =>
    call.llama_sampler_init_adaptive_p(target, decay, seed),
  temperature: ({ temperature }, call) => call.llama_sampler_init_temp(temperature),
  dynamicTemperature: ({ temperature, range, exponent }, call) =>
    call.llama_sampler_init_temp_ext(temperature, range, exponent),
  topK: ({ k }, call) => call.llama_sampler_init_top_k(k),
  topP: ({ p, minKeep }, call) => call.llama_sampler_init_top_p(p, minKeep),
  minP: ({ p, minKeep }, call) => call.llama_sampler_init_min_p(p, minKeep),
  typicalP: ({ p, minKeep }, call) => call.llama_sampler_init_typical(p, minKeep),
  topNSigma: ({ n }, call) => call.llama_sampler_init_top_n_sigma(n),
  xtc: ({ probability, threshold, minKeep, seed }, call) =>
    call.llama_sampler_init_xtc(probability, threshold, minKeep, seed),
  penalties: ({ lastTokens, repeat, frequency, presence }, call, { size }) =>
    call.llama_sampler_init_penalties(size, lastTokens, repeat, frequency, presence),
  dry: (dry, call, { pointer }) =>
    call.llama_sampler_init_dry(
      pointer,
      dry.multiplier,
      dry.base,
      dry.allowedLength,
      dry.lastTokens,
      dry.breakers,
      dry.breakers.length,
    ),
  logitBias: ({ biases }, call, vocabulary) => {
    const memory = new ArrayBuffer(biases.length * 8);
    const [tokens, values] = [new Int32Array(memory), new Float32Array(memory)];
    for (const [index, [token, bias]] of biases.entries()) {
      tokens[2 * index] = vocabulary.check(token);
      values[2 * index + 1] = bias;
    }
    return call.llama_sampler_init_logit_bias(vocabulary.size, biases.length, tokens);
  },
  grammar: ({ grammar, root = "root", triggers }, call, vocabulary) => {
    const { pointer } = vocabulary;
    if (triggers === undefined) return call.llama_sampler_init_grammar(pointer, grammar, root);
    const tokens = Int32Array.from(triggers.tokens, (token) => vocabulary.check(token));
    return call.llama_sampler_init_grammar_lazy_patterns(
      pointer,
      grammar,
      root,
      triggers.patterns,
      triggers.patterns.length,
      tokens,
      tokens.length,
    );
  },
  infill: (_, call, { pointer }) => call.llama_sampler_init_infill(pointer),
};

/** Null when llama.cpp refuses the settings. */
export function makeStage(stage: NativeStage, native: Native, vocabulary: Vocabulary): Made {
  type Make = (stage: NativeStage, ...more: [Native["call"], Vocabulary]) => Made;
  const make = MAKERS[stage.type] as Make;
  return make(stage, native.call, vocabulary);
}

/** @throws RangeError for settings that no stage of the kind can have */
export function assertSettings(stage: Stage): void {
  for (const [name, value] of Object.entries(stage)) assertSetting(stage, name, value);
}

/** C takes what fits its type and no more; what does not would arrive as another number. */
function assertSetting({ type }: Stage, name: string, value: unknown): void {
  if (typeof value !== "number") return;
  const whole = ["seed", "k", "m", "minKeep", "lastTokens", "allowedLength"].includes(name);
  const limit = name === "seed" ? 2 ** 32 : 2 ** 31;
  const fits = whole
    ? Number.isInteger(value) && value >= 0 && value < limit
    : Number.isFinite(value);
  if (!fits) throw new RangeError(`A ${type} sampler cannot have ${name} ${value}`);
}
