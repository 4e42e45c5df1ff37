/** From `spec.engine` to llama.cpp's words: what a context is to be, and how weights are loaded. Pure. */
import type { ContextOptions } from "@localmodel/llama/context-options.ts";
import type { ModelOptions } from "@localmodel/llama/model-options.ts";
import { type CacheTypes, cacheTypesOf } from "@localmodel/localmodel/contracts/cache-bytes.ts";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { RopeSpec } from "@localmodel/localmodel/resource/rope-spec.ts";

export type CacheSettings = CacheTypes & Pick<EngineSpec, "kvUnified" | "fullSwaCache" | "rope">;

export function cacheOptions(
  engine: CacheSettings,
): Pick<ContextOptions, "keyType" | "valueType" | "unifiedCache" | "fullWindowCache" | "rope"> {
  const { keys, values } = cacheTypesOf(engine);
  return {
    keyType: keys,
    valueType: values,
    unifiedCache: engine.kvUnified ?? false,
    fullWindowCache: engine.fullSwaCache ?? false,
    ...(engine.rope !== undefined && { rope: ropeOptions(engine.rope) }),
  };
}

type RopeOptions = NonNullable<ContextOptions["rope"]>;

/** llama.cpp multiplies positions, where people say how many times as long the context is. */
export function ropeOptions({ scaling, factor, frequencyBase, yarn = {} }: RopeSpec): RopeOptions {
  return {
    ...(scaling !== undefined && { scaling }),
    ...(frequencyBase !== undefined && { frequencyBase }),
    ...(factor !== undefined && { frequencyScale: 1 / factor }),
    ...defined("yarnOriginalTokens", yarn.originalContextTokens),
    ...defined("yarnExtFactor", yarn.extrapolationFactor),
    ...defined("yarnAttnFactor", yarn.attentionFactor),
    ...defined("yarnBetaFast", yarn.betaFast),
    ...defined("yarnBetaSlow", yarn.betaSlow),
  };
}

function defined<Name extends keyof RopeOptions>(
  name: Name,
  value: number | undefined,
): { readonly [Key in Name]?: number } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]?: number });
}

/** Among devices, where there are any: on the CPU alone there is nothing to share. */
export function splitOptions(
  { splitMode, tensorSplit, mainDevice }: EngineSpec,
  deviceCount: number,
): Pick<ModelOptions, "splitMode" | "tensorSplit" | "mainGpu"> {
  if (deviceCount === 0) return {};
  const there = deviceCount === 1 ? "there is one device" : `there are ${deviceCount} devices`;
  if (tensorSplit !== undefined && tensorSplit.length > deviceCount) {
    throw new Error(`engine.tensorSplit has ${tensorSplit.length} shares, but ${there} here`);
  }
  if (mainDevice !== undefined && mainDevice >= deviceCount) {
    throw new Error(`engine.mainDevice is ${mainDevice}, but ${there} here, counted from 0`);
  }
  return {
    ...(splitMode !== undefined && { splitMode }),
    ...(tensorSplit !== undefined && { tensorSplit }),
    ...(mainDevice !== undefined && { mainGpu: mainDevice }),
  };
}
