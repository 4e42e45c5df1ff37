/**
 * Ids of a response's items: made of the response's own, so that what is kept of a response is found by the id of any of its
 * items, without an index.
 */
import type { ItemReferences } from "@localmodel/inference/endpoint.ts";

/** In hexadecimal digits. */
const INDEX_DIGITS = 4;
const RESPONSE_PREFIX = "resp_";
const ITEM_ID = /^[a-z]{1,8}_([0-9a-zA-Z_-]{1,128})[0-9a-f]{4}$/;

export const REFERENCE_TYPE = "item_reference";

export function itemId(prefix: string, responseId: string, index: number): string {
  const stem = responseId.slice(responseId.indexOf("_") + 1);
  return prefix + stem + index.toString(16).padStart(INDEX_DIGITS, "0");
}

/** Of a request's `input`. */
export const ITEM_REFERENCES: ItemReferences = {
  mark: `"${REFERENCE_TYPE}"`,
  idsIn: (input) => (Array.isArray(input) ? input.flatMap(referencedId) : []),
  answerOf: (id) => {
    const [, stem] = ITEM_ID.exec(id) ?? [];
    return stem === undefined ? undefined : RESPONSE_PREFIX + stem;
  },
};

/** None for an item that is there itself. */
export function referencedId(item: unknown): readonly string[] {
  if (typeof item !== "object" || item === null) return [];
  const { type, id } = item as Readonly<Record<string, unknown>>;
  return type === REFERENCE_TYPE && typeof id === "string" ? [id] : [];
}
