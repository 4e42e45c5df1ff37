/**
 * A text, or texts and token ids in any order, as llama.cpp's server takes them: each text is read apart from the others.
 *
 * Written by hand rather than as a union of schemas: a million ids cost a loop.
 */
import { z } from "zod";
import { refusal } from "../parsing/issue.ts";

export type ContentPart = string | readonly number[];

export function mixedContent({ maxParts }: { readonly maxParts: number }) {
  return z.unknown().transform((value, context): readonly ContentPart[] => {
    if (typeof value === "string") return grouped([value]);
    const parts: readonly unknown[] = Array.isArray(value) ? value : [];
    if (parts.length > maxParts) {
      context.addIssue(refusal(`Invalid '{param}': at most ${maxParts} elements.`, TOO_MANY));
      return z.NEVER;
    }
    const wrong = parts.findIndex((part) => typeof part !== "string" && !isTokenId(part));
    if (wrong === -1 && Array.isArray(value)) return grouped(parts as (string | number)[]);
    context.addIssue({ ...WRONG_PART, path: wrong === -1 ? [] : [wrong] });
    return z.NEVER;
  });
}

const TOO_MANY = "array_above_max_length";
const WRONG_PART = refusal(
  "Invalid '{param}': expected a text, or an array of texts and token ids.",
  "invalid_type",
);

function isTokenId(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

/** Ids that follow one another are one part. */
function grouped(parts: readonly (string | number)[]): readonly ContentPart[] {
  const groups: (string | number[])[] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    if (typeof part === "string") groups.push(part.toWellFormed());
    else if (Array.isArray(last)) last.push(part);
    else groups.push([part]);
  }
  return groups;
}
