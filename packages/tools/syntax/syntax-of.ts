/** Which family's calls a chat template speaks of: found by the markers that stand in its source. */
import type { CallSyntax } from "./call-syntax.ts";
import { FAMILIES, GENERIC } from "./families.ts";

/** The generic syntax where no family is known. */
export function syntaxOf(templateSource: string): CallSyntax {
  return (
    FAMILIES.find(({ known }) => known.every((text) => templateSource.includes(text))) ?? GENERIC
  );
}

export function syntaxNamed(name: string): CallSyntax {
  return FAMILIES.find((family) => family.name === name) ?? GENERIC;
}
