/**
 * What a model can do, by the header of its file. Pure.
 *
 * The capabilities decide which endpoints answer: a file with a pooling type is an embedding model, or
 * a reranker where that type is rank, any other generates; infill needs the three infill tokens.
 */
import type { Capability } from "@localmodel/localmodel/contracts/server-state.ts";
import type { Metadata } from "./metadata.ts";

const POOLING_NONE = 0;
const POOLING_RANK = 4;

/** `{architecture}.{key}` of the file, wherever the reader nested it. */
export function architectureValue(metadata: Metadata, key: string): unknown {
  const section = metadata[architectureOf(metadata)];
  return isRecord(section) ? section[key] : undefined;
}

export function architectureOf(metadata: Metadata): string {
  const general = metadata["general"];
  const architecture = isRecord(general) ? general["architecture"] : undefined;
  return typeof architecture === "string" ? architecture : "unknown";
}

/** The one thing that a model can do which does not generate. */
export function pooledCapability(metadata: Metadata): "embeddings" | "rerank" | undefined {
  const pooling = architectureValue(metadata, "pooling_type");
  if (pooling === POOLING_RANK) return "rerank";
  const encoder = architectureOf(metadata).includes("bert");
  return encoder || (pooling !== undefined && pooling !== POOLING_NONE) ? "embeddings" : undefined;
}

export function capabilitiesOf(
  metadata: Metadata,
  has: {
    readonly infill: boolean;
    readonly chatTemplate: boolean;
    readonly vision?: boolean;
    readonly audio?: boolean;
  },
): Capability[] {
  const pooled = pooledCapability(metadata);
  if (pooled !== undefined) return [pooled];
  return [
    ...(has.chatTemplate ? (["chat"] as const) : []),
    "completions",
    ...(has.infill ? (["infill"] as const) : []),
    ...(has.vision === true && has.chatTemplate ? (["vision"] as const) : []),
    ...(has.audio === true && has.chatTemplate ? (["audio"] as const) : []),
  ];
}

const INFILL_TOKENS = [
  ["fim_pre_token_id", "prefix_token_id"],
  ["fim_suf_token_id", "suffix_token_id"],
  ["fim_mid_token_id", "middle_token_id"],
] as const;

/** As far as the header tells: whether its chat template can be used is known once it is loaded. */
export function likelyCapabilities(
  metadata: Metadata,
  has: { readonly vision?: boolean; readonly audio?: boolean } = {},
): Capability[] {
  const tokenizer = isRecord(metadata["tokenizer"]) ? metadata["tokenizer"] : {};
  const ggml = isRecord(tokenizer["ggml"]) ? tokenizer["ggml"] : {};
  return capabilitiesOf(metadata, {
    ...has,
    chatTemplate: tokenizer["chat_template"] !== undefined,
    infill: INFILL_TOKENS.every((names) => names.some((name) => ggml[name] !== undefined)),
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
