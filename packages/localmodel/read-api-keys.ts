/**
 * The text of a keys document in; all its keys, or every problem, out.
 *
 * All or nothing: half of a list of keys would lock people out without a word.
 */
import { LineCounter } from "yaml";
import { type ApiKey, ApiKeys } from "./api-keys.ts";
import { explain } from "./explain.ts";
import { KnownFields } from "./known-fields.ts";
import { fieldName, type Problem } from "./problem.ts";
import { withoutNulls } from "./without-nulls.ts";
import { unlessTooDeep, yamlDocuments } from "./yaml-documents.ts";
import { TOO_DEEP } from "./yaml-mistakes.ts";
import { positionOf } from "./yaml-position.ts";
import { documentValue, type Place, PROBLEMS_PER_DOCUMENT_MAX } from "./yaml-value.ts";

export type ReadApiKeys =
  | { readonly keys: readonly ApiKey[] }
  | { readonly problems: readonly Problem[] };

const FIELDS = new KnownFields(ApiKeys);

/** `file` is what problems call it. JSON is YAML. */
export function readApiKeys(text: string, file: string): ReadApiKeys {
  const lines = new LineCounter();
  const documents = yamlDocuments(text, lines);
  if (typeof documents === "string") return { problems: [{ file, message: documents }] };
  const [document] = documents;
  if (document === undefined || documents.length > 1) {
    const message = `must be one YAML or JSON document; found ${documents.length}`;
    return { problems: [{ file, message }] };
  }
  const tooDeep = { problems: [{ file, message: TOO_DEEP }] };
  return unlessTooDeep<ReadApiKeys>(() => judge({ file, document, lines }), tooDeep);
}

function judge(place: Place): ReadApiKeys {
  const read = documentValue(place);
  if ("problems" in read) return read;
  const value = withoutNulls(read.value, FIELDS);
  const result = ApiKeys.safeParse(value);
  if (!result.success) {
    const explained = { document: value, fields: FIELDS };
    const found = explain(result.error.issues, explained, PROBLEMS_PER_DOCUMENT_MAX);
    return { problems: found.map((one) => problem(place, one)) };
  }
  const repeated = repetitions(result.data.keys).slice(0, PROBLEMS_PER_DOCUMENT_MAX);
  if (repeated.length > 0) return { problems: repeated.map((one) => problem(place, one)) };
  return { keys: result.data.keys };
}

type Found = {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly atKey?: boolean;
};

function problem({ file, document, lines }: Place, { path, message, atKey }: Found): Problem {
  const position = positionOf(document, lines, path, atKey ?? false);
  return { file, ...position, ...(path.length > 0 && { field: fieldName(path) }), message };
}

function repetitions(keys: readonly ApiKey[]): readonly Found[] {
  return (["name", "sha256"] as const).flatMap((field) => {
    const seen = new Map<string, number>();
    return keys.flatMap((key, index) => {
      const first = seen.get(key[field]);
      if (first === undefined) seen.set(key[field], index);
      const message = `must be unique; keys[${first}] has the same`;
      return first === undefined ? [] : [{ path: ["keys", index, field], message }];
    });
  });
}
