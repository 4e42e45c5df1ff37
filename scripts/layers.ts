/**
 * The floors of each workspace, lowest first: what stands on one imports only what stands on an earlier one.
 *
 * A name with a slash is a folder; one without is a file at the root that folders may import. Root files
 * that are not named stand on the floor that has a dot, and without a dot above everything. What stands on the
 * same floor does not know of each other, except for those root files. A new folder needs a place here; fixtures
 * and tests stand outside.
 */
export type Layers = Readonly<Record<string, readonly string[]>>;

export const LAYERS: Layers = {
  "packages/anthropic": ["answers/ requests/ dialect.ts", "endpoints.ts", "."],
  "packages/grammar": [
    "grammar-error.ts json.ts",
    "budget.ts",
    "regular/",
    "rules/ schema/",
    "emit/ gbnf/",
    "follow/ lark/",
  ],
  "packages/jinja": ["template-error.ts", "meter.ts", "values/", "builtins/ syntax/", "run/"],
  "packages/kube": [
    "log.ts objects/ time/",
    "access/",
    "wire/",
    "cache/ election/ events/",
    "work/",
    "manager/",
  ],
  "packages/llama": [
    "pointer.ts",
    "generated/",
    "logs/ native/",
    "library/",
    ".",
    "sampling/ vision/",
  ],
  "packages/localmodel": ["resource/", "cluster/ contracts/", "documents/"],
  "packages/ollama": ["answers/ requests/ dialect.ts", "endpoints.ts", "."],
  "packages/openai": [
    "answers/ parsing/ sse.ts",
    "dialect.ts item-ids.ts waiting-chunk.ts",
    "endpoints.ts",
    "chat/ completions/ embeddings/",
    "tokenizing/",
    "reranking/",
    "responses/",
  ],
  "packages/pictures": [
    "image-format.ts problem.ts room.ts",
    "blaming.ts sound/",
    "decoder/ fetch/",
    ".",
  ],
  "packages/service": ["log/ process/", "http/"],
  "packages/telemetry": ["settings/", "spans/", "metrics/ otlp/", "export/"],
  "packages/tools": ["syntax/", "constraint/ prompt/ reading/", "derive/"],
  "packages/weights": ["progress/ source/", "cache/ gguf/ http/", "aws/ python/ web/"],
  "services/api": [
    "browsers/ cli/ directory/ gateways/ request/ valkey/",
    "balancing/ keys/ upstream/",
    "admission/ answer/",
    "demand/ kept/ metrics/ prompt-log/",
    "forward/",
  ],
  "services/local": ["desired/", "processes/ screen/", "documents/"],
  "services/model-server": [
    "configuration.ts engine/ reading/ resolve/",
    "http/ pod/ watching/",
    "serving.ts",
    "routes/",
  ],
  "services/model-server/engine": [
    "thread-counts.ts",
    "contract.ts model/ prompt/ protocol.ts text/",
    "constraint/",
    "machine/ stepping/",
    "llama/ process/",
    "kept/",
  ],
  "services/operator": ["model/", "scaling/", "objects/", "status/", "decide/ observe/", "act/"],
};
