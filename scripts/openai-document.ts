/**
 * From OpenAI's OpenAPI document the schemas of what this server answers, for test/openai-document: names, types and
 * bounds, without descriptions and examples.
 *
 *   node scripts/openai-document.ts openapi.json COMMIT      (of github.com/openai/openai-openapi)
 */
import { readFile, writeFile } from "node:fs/promises";

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
type JsonObject = { readonly [name: string]: Json };

const WANTED = [
  "CreateChatCompletionResponse",
  "CreateChatCompletionStreamResponse",
  "CreateCompletionResponse",
  "CreateEmbeddingResponse",
  "CreateResponse",
  "ErrorResponse",
  "ListModelsResponse",
  "Model",
  "Response",
  "ResponseItemList",
  "ResponseStreamEvent",
];
const TOLD_APART = new Set(["description", "example", "examples", "title", "deprecated"]);
const PLACE = "#/components/schemas/";
const FILE = new URL("../test/openai-document/schemas.json", import.meta.url);

const [source = "", commit = ""] = process.argv.slice(2);
const document = JSON.parse(await readFile(source, "utf8")) as {
  readonly info: { readonly version: string };
  readonly components: { readonly schemas: JsonObject };
};
const all = document.components.schemas;
const taken = new Map<string, Json>();
const open = [...WANTED];
for (let name = open.pop(); name !== undefined; name = open.pop()) {
  const schema = all[name];
  if (schema === undefined) throw new Error(`The document has no schema ${name}.`);
  if (taken.has(name)) continue;
  taken.set(name, stripped(schema, false));
  open.push(...namedIn(schema));
}
const schemas = Object.fromEntries([...taken].toSorted(([a], [b]) => (a < b ? -1 : 1)));
const extract = {
  source: `https://github.com/openai/openai-openapi at ${commit}, version ${document.info.version}`,
  license: "MIT, Copyright (c) OpenAI (https://openai.com)",
  components: { schemas },
};
const lines = JSON.stringify(extract).replaceAll(/(?<=[,{])(?="[A-Z][A-Za-z0-9]+":\{)/g, "\n");
await writeFile(FILE, `${lines}\n`);

/** `isMap`: its keys are names of fields, not words of JSON Schema. */
function stripped(value: Json, isMap: boolean): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((one) => stripped(one, false));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as JsonObject).filter(
    ([name]) => isMap || !(TOLD_APART.has(name) || name.startsWith("x-")),
  );
  return Object.fromEntries(
    entries.map(([name, inner]) => [name, stripped(inner, !isMap && name === "properties")]),
  );
}

function namedIn(value: Json): readonly string[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(namedIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value as JsonObject).flatMap(([name, inner]) =>
    name === "$ref" && typeof inner === "string" ? [inner.slice(PLACE.length)] : namedIn(inner),
  );
}
