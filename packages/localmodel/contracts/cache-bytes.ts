/** What one token takes in the key-value cache. Keys and values may be of different types, and of different lengths. */
import type { EngineSpec } from "../resource/engine-spec.ts";
import type { KvCacheType } from "../resource/cache-types-spec.ts";

/** Bytes per element; quantised types store blocks of 32. */
const ELEMENT_BYTES: Readonly<Record<KvCacheType, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
};

export type CacheTypes = Pick<EngineSpec, "kvCacheType" | "kvCacheKeyType" | "kvCacheValueType">;

/** Elements of one token in all layers. */
export type CacheElements = { readonly keys: number; readonly values: number };

export function cacheTypesOf(engine: CacheTypes): {
  readonly keys: KvCacheType;
  readonly values: KvCacheType;
} {
  const { kvCacheType: both } = engine;
  return { keys: engine.kvCacheKeyType ?? both, values: engine.kvCacheValueType ?? both };
}

export function cacheBytesPerToken({ keys, values }: CacheElements, engine: CacheTypes): number {
  const types = cacheTypesOf(engine);
  return keys * ELEMENT_BYTES[types.keys] + values * ELEMENT_BYTES[types.values];
}

/** Where only their sum is known: as if all were of the larger type. */
export function mostCacheBytesPerToken(elements: number, engine: CacheTypes): number {
  return Math.max(
    cacheBytesPerToken({ keys: elements, values: 0 }, engine),
    cacheBytesPerToken({ keys: 0, values: elements }, engine),
  );
}
