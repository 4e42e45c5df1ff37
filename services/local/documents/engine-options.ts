/**
 * Options of the command line for models without a document: each sets one field of `spec.engine`.
 *
 * The schema of LocalModel says what they may be, so that both ways to say a thing have the same bounds.
 */
import { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { BareEngine } from "./bare-weights.ts";

const FIELDS = {
  context: "contextTokens",
  slots: "slots",
  threads: "threads",
  "gpu-layers": "gpuLayers",
} as const;

type EngineOption = keyof typeof FIELDS;

export type EngineValues = { readonly [Option in EngineOption]?: string };

/** For `parseArgs`. */
export const ENGINE_OPTIONS = {
  context: { type: "string" },
  slots: { type: "string" },
  threads: { type: "string" },
  "gpu-layers": { type: "string" },
} as const;

/** The fields, or what is wrong with the first option that is wrong. */
export function engineFrom(
  values: EngineValues,
): { readonly engine: BareEngine } | { readonly mistake: string } {
  const engine: Record<string, number> = {};
  for (const [option, field] of Object.entries(FIELDS)) {
    const text = values[option as EngineOption];
    if (text === undefined) continue;
    const { minValue, maxValue } = EngineSpec.shape[field].unwrap();
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= (minValue ?? 0) && value <= (maxValue ?? Infinity))) {
      const bounds = `a whole number from ${minValue} to ${maxValue}`;
      return { mistake: `--${option} must be ${bounds}; found "${text}"` };
    }
    engine[field] = value;
  }
  return { engine };
}

/** How a field is set on the command line. */
export function optionOf(field: string): string {
  const [option = field] = Object.entries(FIELDS).find(([, name]) => name === field) ?? [];
  return `--${option}`;
}
