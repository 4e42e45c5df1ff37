/** How a model calls tools: as its family does, or else as its template shows, or else as it is told. */
import { isDeepStrictEqual } from "node:util";
import type { CallSyntax } from "../syntax/call-syntax.ts";
import { GENERIC } from "../syntax/families.ts";
import { familyOf } from "../syntax/family-of.ts";
import { derivedSyntax } from "./derived-syntax.ts";
import type { WrittenProbes } from "./probe-calls.ts";

export function toolSyntaxOf(
  templateSource: string,
  writtenProbes: WrittenProbes | undefined,
): CallSyntax {
  const family = familyOf(templateSource);
  const derived = writtenProbes === undefined ? undefined : derivedSyntax(writtenProbes);
  if (family === undefined || derived === undefined) return family ?? derived ?? GENERIC;
  return spacedAs(derived, family);
}

/** Members of a family that writes arguments one by one differ in the white space around its tags. */
function spacedAs({ form, begin, between, end }: CallSyntax, family: CallSyntax): CallSyntax {
  if (form.kind !== "tagged" || family.form.kind !== "tagged" || between === undefined)
    return family;
  const spaced = { ...family, begin, between, end, form: { ...family.form, ...form } };
  return isDeepStrictEqual(withoutSpace(spaced), withoutSpace(family)) ? spaced : family;
}

function withoutSpace(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll(/\s/g, "");
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutSpace(inner)]),
  );
}
