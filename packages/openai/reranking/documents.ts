/**
 * What is read of each document, and what it was sent as: a text, an object with a text, or, with Cohere's `rank_fields`, an
 * object of which those fields count.
 */
import { invalidRequest, missingField } from "@localmodel/inference/refusals.ts";
import type { SentDocument } from "./rerank-request.ts";

export type RankedDocument = { readonly text: string; readonly given: object };

type Reading = {
  /** How the client calls the documents. */
  readonly field: string;
  /** Empty: their text counts. */
  readonly rankFields: readonly string[];
};

/** Throws a 400 that names a document in which nothing is to be ranked. */
export function rankedDocuments(
  documents: readonly SentDocument[],
  { field, rankFields }: Reading,
): readonly RankedDocument[] {
  return documents.map((document, index) => {
    if (typeof document === "string") return { text: document, given: { text: document } };
    const name = `${field}[${index}]`;
    const text = rankFields.length === 0 ? ownText(document, name) : named(document, rankFields);
    if (text === undefined) throw withoutFields(name, rankFields);
    return { text: text.toWellFormed(), given: document };
  });
}

type Fields = Readonly<Record<string, unknown>>;

function ownText({ text }: Fields, name: string): string {
  if (text === undefined || text === null) throw missingField(`${name}.text`);
  if (typeof text === "string") return text;
  const message = `Invalid type for '${name}.text': expected a string. Name the fields that count in 'rank_fields'.`;
  throw invalidRequest(`${name}.text`, message, "invalid_type");
}

/** As a line of YAML each, in the order in which they are named; of one field its value alone. */
function named(document: Fields, rankFields: readonly string[]): string | undefined {
  const found = rankFields.flatMap((name) => {
    const value = Object.hasOwn(document, name) ? document[name] : undefined;
    return value === undefined || value === null ? [] : [[name, written(value)] as const];
  });
  if (found.length === 0) return undefined;
  if (rankFields.length === 1) return found[0]?.[1];
  return found.map(([name, value]) => `${name}: ${value}`).join("\n");
}

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function withoutFields(name: string, rankFields: readonly string[]) {
  const listed = rankFields.map((one) => `'${one.slice(0, 64)}'`).join(", ");
  const message = `Invalid '${name}': it has none of the fields in 'rank_fields': ${listed}.`;
  return invalidRequest(name, message, "invalid_value");
}
