/**
 * A file with one document of a kind of its own in; its value, or every problem, out.
 *
 * All or nothing: half of a list would lock people out, or take models away, without a word.
 */
import { LineCounter } from "yaml";
import type { z } from "zod";
import { explain } from "./explain.ts";
import type { KnownFields } from "./known-fields.ts";
import { fieldName, type Problem } from "./problem.ts";
import { withoutNulls } from "./without-nulls.ts";
import { unlessTooDeep, yamlDocuments } from "./yaml-documents.ts";
import { TOO_DEEP } from "./yaml-mistakes.ts";
import { positionOf } from "./yaml-position.ts";
import { documentValue, type Place, PROBLEMS_PER_DOCUMENT_MAX } from "./yaml-value.ts";

export type ReadDocument<Value> =
  | { readonly value: Value }
  | { readonly problems: readonly Problem[] };

/** What is wrong, and where in the document. */
export type Found = {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly atKey?: boolean;
};

export type DocumentKind<Value> = {
  readonly schema: z.ZodType<Value>;
  /** Of the same schema. */
  readonly fields: KnownFields;
  /** What the schema cannot say: how the parts of a valid document must fit together. */
  readonly conflicts: (value: Value) => readonly Found[];
};

/** `file` is what problems call it. JSON is YAML. */
export function readDocument<Value>(
  text: string,
  file: string,
  kind: DocumentKind<Value>,
): ReadDocument<Value> {
  const lines = new LineCounter();
  const documents = yamlDocuments(text, lines);
  if (typeof documents === "string") return { problems: [{ file, message: documents }] };
  const [document] = documents;
  if (document === undefined || documents.length > 1) {
    const message = `must be one YAML or JSON document; found ${documents.length}`;
    return { problems: [{ file, message }] };
  }
  const tooDeep = { problems: [{ file, message: TOO_DEEP }] };
  return unlessTooDeep<ReadDocument<Value>>(() => judge({ file, document, lines }, kind), tooDeep);
}

function judge<Value>(place: Place, kind: DocumentKind<Value>): ReadDocument<Value> {
  const read = documentValue(place);
  if ("problems" in read) return read;
  const { schema, fields, conflicts } = kind;
  const value = withoutNulls(read.value, fields);
  const result = schema.safeParse(value);
  const found = result.success
    ? conflicts(result.data).slice(0, PROBLEMS_PER_DOCUMENT_MAX)
    : explain(result.error.issues, { document: value, fields }, PROBLEMS_PER_DOCUMENT_MAX);
  if (result.success && found.length === 0) return { value: result.data };
  return { problems: found.map((one) => problem(place, one)) };
}

function problem({ file, document, lines }: Place, { path, message, atKey }: Found): Problem {
  const position = positionOf(document, lines, path, atKey ?? false);
  return { file, ...position, ...(path.length > 0 && { field: fieldName(path) }), message };
}
