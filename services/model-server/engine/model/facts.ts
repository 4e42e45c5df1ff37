/**
 * What only whoever loads a model file wants to know of it: its defaults for sampling, and what tells it from others.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { SamplingSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { Metadata } from "@localmodel/weights/gguf/metadata.ts";

/** Names under `general.sampling`, and the values that make sense. */
const SAMPLING_KEYS = {
  temp: { field: "temperature", least: 0, most: 2 },
  top_p: { field: "topP", least: 0, most: 1 },
  top_k: { field: "topK", least: 0, most: 1_000_000 },
  min_p: { field: "minP", least: 0, most: 1 },
  penalty_repeat: { field: "repeatPenalty", least: 0.01, most: 10 },
} as const;

/** The file's own defaults, as far as they make sense; a file with nonsense there is still a good file. */
export function samplingOf(metadata: Metadata): SamplingSpec {
  const general = metadata["general"];
  const sampling = isRecord(general) ? general["sampling"] : undefined;
  if (!isRecord(sampling)) return {};
  const found: Record<string, number> = {};
  for (const [key, { field, least, most }] of Object.entries(SAMPLING_KEYS)) {
    const value = sampling[key];
    if (typeof value === "number" && value >= least && value <= most) found[field] = value;
  }
  return found;
}

const SAMPLES = 32;
const SAMPLE_BYTES = 4096;

/**
 * Changes with the weights, the engine and its settings. Weights are told apart by their size and by
 * samples spread over the file: reading all of it would double the time to load.
 */
export async function fingerprintOf(path: string, settings: unknown): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(settings));
  const file = await open(path);
  try {
    const { size } = await file.stat();
    hash.update(String(size));
    const buffer = Buffer.alloc(SAMPLE_BYTES);
    for (let sample = 0; sample < SAMPLES; sample++) {
      const position = Math.floor((Math.max(0, size - SAMPLE_BYTES) * sample) / (SAMPLES - 1));
      const { bytesRead } = await file.read(buffer, 0, SAMPLE_BYTES, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return `fp_${hash.digest("hex").slice(0, 16)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
