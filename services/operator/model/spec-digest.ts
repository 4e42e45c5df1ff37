/**
 * What the author of a model has written, as a short name: it tells a change of his from one of the platform.
 *
 * Left out is how many pods there are and how they are replaced, which autoscalers write as well and which is no reason to
 * replace one. So is what equals a default: a version that knows a further field fills it in everywhere, and nobody has
 * changed anything.
 */
import { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import { isDeepStrictEqual } from "node:util";
import { digest, sorted } from "./digest.ts";
import { type Fields, isFields } from "./fields.ts";

const { source: _source, ...DEFAULTS } = LocalModelSpec.parse({
  source: { http: { url: "https://models.example/model.gguf" } },
  gpu: {},
});

/** `spec`: as it is stored, without what a class adds. */
export function specDigest(spec: LocalModelSpec): string {
  const { replicas: _replicas, scaling: _scaling, rollout: _rollout, ...own } = spec;
  return digest(sorted(besides(DEFAULTS, own)));
}

/** Objects stay where they are empty: to ask for a GPU says something, although all of it is the default. */
function besides(defaults: Fields, fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const usual = defaults[name];
      if (isFields(value) && isFields(usual)) return [[name, besides(usual, value)]];
      return isDeepStrictEqual(value, usual) ? [] : [[name, value]];
    }),
  );
}
