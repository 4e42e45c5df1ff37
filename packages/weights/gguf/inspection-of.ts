/**
 * From the headers of a model's files to what the operator wants to know. Pure.
 *
 * The values are a file's own claims: a number that is none, or negative, counts as not said.
 */
import type { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import type { CacheElements } from "@localmodel/localmodel/contracts/cache-bytes.ts";
import { likelyCapabilities } from "./capabilities.ts";
import { encoderBytes } from "./encoder-memory.ts";
import type { GgufValues, Projections } from "./gguf-header.ts";
import { metadataOf } from "./metadata.ts";
import { keyValueElements } from "./key-value-elements.ts";
import { hears, sees } from "./projector-kind.ts";
import { quantizationName } from "./quantization.ts";

/** What is read of them. */
export type InspectedWeights = {
  /** Metadata of the (first) file. */
  readonly values: GgufValues;
  /** Of the (first) file. */
  readonly projections: Projections;
  /** Elements of all tensors of all parts. */
  readonly parameters: number;
  /** Of all parts. */
  readonly sizeBytes: number;
};

/** What is beside the weights. */
type Further = {
  readonly bytes: number;
  readonly projector?: GgufValues | undefined;
  readonly draft?: GgufValues | undefined;
};

export function inspectionOf(
  weights: Omit<InspectedWeights, "projections">,
  further: Further,
): Inspection {
  const { values } = weights;
  const said = values.get("general.architecture");
  const architecture = typeof said === "string" ? said.slice(0, 128) : "unknown";
  const metadata = metadataOf(values);
  const elements = keyValueElements(metadata);
  const count = (key: string): number => countOf(values.get(`${architecture}.${key}`));
  return {
    architecture,
    parameters: weights.parameters,
    quantization: quantizationName(values.get("general.file_type")),
    sizeBytes: weights.sizeBytes,
    furtherBytes: further.bytes,
    ...encoderOf(further),
    ...rowsOf(further, count("embedding_length"), count("n_deepstack_layers")),
    ...draftOf(further),
    trainContextTokens: count("context_length"),
    vocabularyTokens: vocabularyTokens(values) || count("vocab_size"),
    embeddingDimensions: count("embedding_length"),
    layers: count("block_count"),
    capabilities: likelyCapabilities(metadata, sensesOf(further)),
    ...cacheElementsOf(elements),
  };
}

/** Where its header does not tell: keys and values as long as the embedding. */
function draftOf({ draft }: Further): Pick<Inspection, "draftElements"> {
  if (draft === undefined) return {};
  const {
    keyValueElements: told,
    layers,
    embeddingDimensions,
  } = inspectionOf({ values: draft, parameters: 0, sizeBytes: 0 }, { bytes: 0 });
  return { draftElements: told ?? 2 * layers * embeddingDimensions };
}

function sensesOf({ projector }: Further) {
  return projector === undefined ? {} : { vision: sees(projector), audio: hears(projector) };
}

type CacheFacts = Pick<Inspection, "keyElements" | "keyValueElements">;

function cacheElementsOf(elements: CacheElements | undefined): CacheFacts {
  if (elements === undefined || elements.keys < 0 || elements.values < 0) return {};
  return { keyValueElements: elements.keys + elements.values, keyElements: elements.keys };
}

function encoderOf({ projector }: Further): Pick<Inspection, "encoderBytes"> {
  const bytes = projector === undefined ? undefined : encoderBytes(projector);
  return bytes === undefined ? {} : { encoderBytes: bytes };
}

/** Some models read of a picture a vector for the first of their layers each, beside that for the beginning. */
function rowsOf(
  { projector }: Further,
  dimensions: number,
  layers: number,
): Pick<Inspection, "rowDimensions"> {
  if (projector === undefined || layers === 0) return {};
  const rowDimensions = dimensions * (1 + layers);
  return Number.isSafeInteger(rowDimensions) ? { rowDimensions } : {};
}

function vocabularyTokens(values: GgufValues): number {
  const tokens = values.get("tokenizer.ggml.tokens");
  return typeof tokens === "object" ? tokens.length : 0;
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
