/** Which family's calls a chat template speaks of: found by the markers that stand in its source. */
import type { CallSyntax } from "./call-syntax.ts";
import { FAMILIES } from "./families.ts";

export function familyOf(templateSource: string): CallSyntax | undefined {
  return FAMILIES.find(({ known }) => known.every((text) => templateSource.includes(text)));
}
