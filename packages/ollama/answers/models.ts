/**
 * Models as Ollama lists and shows them. What has no meaning here (licences, templates) is left out, and so are sizes and times
 * that are not known; a text that is not known is empty, as Ollama has it: clients in typed languages read no list that lacks it.
 */
import { createHash } from "node:crypto";

/**
 * Of one that never leaves memory. Ollama says a time in some 290 years, and its program "Forever" of whatever is more than
 * twenty away; some clients cannot count years that are much later.
 */
const FOREVER = "2300-01-01T00:00:00Z";

type Listed = {
  readonly id: string;
  readonly createdSeconds: number;
  readonly facts?: {
    readonly contextTokens?: number;
    readonly trainContextTokens?: number;
    readonly embeddingDimensions?: number;
    readonly parameters?: number;
    readonly sizeBytes?: number;
    readonly architecture?: string;
    readonly quantization?: string;
    readonly capabilities?: readonly string[];
    readonly template?: { readonly takesTools: boolean; readonly reasoning?: unknown };
    readonly memoryBytes?: { readonly ram: number; readonly vram: number };
  };
};

/** As GET /api/tags lists it. */
export function taggedModel({ id, createdSeconds, facts }: Listed) {
  return {
    name: id,
    model: id,
    modified_at: new Date(createdSeconds * 1000).toISOString(),
    size: facts?.sizeBytes,
    digest: digestOf(id, facts),
    details: detailsOf(facts),
  };
}

/** Of what is known of a model before and after it is loaded: another one of the same name has another. */
function digestOf(id: string, { architecture, sizeBytes }: NonNullable<Listed["facts"]> = {}) {
  return createHash("sha256").update(JSON.stringify({ id, architecture, sizeBytes })).digest("hex");
}

type Running = Listed & {
  /** When it leaves memory if nobody asks for it any more: Infinity for never, undefined where it is not known. */
  readonly leavesAtMs: number | undefined;
};

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** As GET /api/ps lists one that is loaded. */
export function runningModel({ id, facts, leavesAtMs }: Running) {
  const { memoryBytes } = facts ?? {};
  return {
    name: id,
    model: id,
    ...(memoryBytes && {
      size: memoryBytes.ram + memoryBytes.vram,
      size_vram: memoryBytes.vram,
    }),
    digest: digestOf(id, facts),
    details: detailsOf(facts),
    expires_at: leavesAtMs === Infinity ? FOREVER : timeOf(leavesAtMs),
    context_length: facts?.contextTokens,
  };
}

/** As POST /api/show answers for it. */
export function shownModel({ createdSeconds, facts }: Listed) {
  const { architecture, parameters, trainContextTokens, embeddingDimensions } = facts ?? {};
  return {
    modified_at: new Date(createdSeconds * 1000).toISOString(),
    details: detailsOf(facts),
    model_info: {
      "general.architecture": architecture,
      "general.parameter_count": parameters,
      ...(architecture !== undefined && {
        [`${architecture}.context_length`]: trainContextTokens,
        [`${architecture}.embedding_length`]: embeddingDimensions,
      }),
    },
    capabilities: capabilitiesOf(facts),
  };
}

function detailsOf({ architecture, parameters, quantization }: NonNullable<Listed["facts"]> = {}) {
  return {
    format: "gguf",
    family: architecture ?? "",
    families: architecture === undefined ? [] : [architecture],
    parameter_size: parameters === undefined ? "" : parameterSize(parameters),
    quantization_level: quantization ?? "",
  };
}

/** `8.0B`, `134.52M`. */
function parameterSize(parameters: number): string {
  if (parameters >= 1e9) return `${(parameters / 1e9).toFixed(1)}B`;
  if (parameters >= 1e6) return `${(parameters / 1e6).toFixed(2)}M`;
  return `${(parameters / 1e3).toFixed(2)}K`;
}

const CAPABILITIES: Readonly<Record<string, string>> = {
  completions: "completion",
  infill: "insert",
  embeddings: "embedding",
  vision: "vision",
  audio: "audio",
};

/** Every chat model calls tools here, whatever its template knows of them. */
function capabilitiesOf({ capabilities = [], template }: NonNullable<Listed["facts"]> = {}) {
  return [
    ...capabilities.flatMap((one) => CAPABILITIES[one] ?? []),
    ...(capabilities.includes("chat") ? ["tools"] : []),
    ...(template?.reasoning === undefined ? [] : ["thinking"]),
  ];
}
