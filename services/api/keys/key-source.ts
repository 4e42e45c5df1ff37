/**
 * Where keys come from, and all sources as one.
 *
 * Which keys there are may change at any time. No source at all means that nobody is asked for a key; a
 * source without keys means that nobody gets in.
 */
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import { KeyRing } from "./key-ring.ts";

export type KeySource = {
  /** The same array until something changes. Throws 503 before the first is known. */
  current(): readonly ApiKey[];
};

export type Keys = {
  /** Undefined: any key is accepted, and none. */
  ring(): KeyRing | undefined;
};

export const NO_KEYS: Keys = { ring: () => undefined };

/** Of keys with the same name in two sources, the first source's counts. */
export function keysFrom(sources: readonly KeySource[]): Keys {
  if (sources.length === 0) return NO_KEYS;
  let known: readonly (readonly ApiKey[])[] = [];
  let ring = new KeyRing([]);
  return {
    ring: () => {
      const latest = sources.map((source) => source.current());
      if (latest.some((keys, index) => keys !== known[index])) {
        known = latest;
        ring = new KeyRing(withoutTakenNames(latest.flat()));
      }
      return ring;
    },
  };
}

function withoutTakenNames(keys: readonly ApiKey[]): readonly ApiKey[] {
  const taken = new Set<string>();
  return keys.filter(({ name }) => {
    const isFree = !taken.has(name);
    taken.add(name);
    return isFree;
  });
}
