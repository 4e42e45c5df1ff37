/** What is known of a model before it is loaded: the header of its files says it. */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import type { Capability, ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { inspectionOf } from "@localmodel/weights/gguf/inspection-of.ts";
import type { GgufValues } from "@localmodel/weights/gguf/gguf-header.ts";
import { inspectWeights } from "@localmodel/weights/inspect-weights.ts";
import { stat } from "node:fs/promises";
import type { ModelFiles } from "./model-files.ts";

export type WeightsFacts = {
  readonly inspection: Inspection;
  readonly facts: Partial<ModelFacts>;
};

/** Throws a WeightsError for what cannot be read. */
export async function weightsFacts(files: ModelFiles): Promise<WeightsFacts> {
  const weights = await inspectWeights({ file: { path: files.weightsPath } });
  const { adapters, projectorPath, draftPath } = files;
  const further = [
    ...adapters.map(({ path }) => path),
    projectorPath ?? [],
    draftPath ?? [],
  ].flat();
  const sizes = await Promise.all(further.map((path) => stat(path)));
  const furtherBytes = sizes.reduce((sum, { size }) => sum + size, 0);
  const [projector, draft] = [await valuesIn(projectorPath), await valuesIn(draftPath)];
  const inspection = inspectionOf(weights, { bytes: furtherBytes, projector, draft });
  const { architecture, parameters, quantization, sizeBytes } = inspection;
  const { trainContextTokens, vocabularyTokens, embeddingDimensions, capabilities } = inspection;
  return {
    inspection,
    facts: {
      architecture,
      parameters,
      quantization,
      sizeBytes,
      trainContextTokens,
      vocabularyTokens,
      embeddingDimensions,
      ...(capabilities !== undefined && { capabilities: capabilities as Capability[] }),
    },
  };
}

async function valuesIn(path: string | undefined): Promise<GgufValues | undefined> {
  return path === undefined ? undefined : (await inspectWeights({ file: { path } })).values;
}
