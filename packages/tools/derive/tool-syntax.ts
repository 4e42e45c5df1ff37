/** How a model calls tools: as its family does, or else as its template shows, or else as it is told. */
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
  if (family !== undefined) return family;
  return (writtenProbes === undefined ? undefined : derivedSyntax(writtenProbes)) ?? GENERIC;
}
