/** Markers, which models have as control tokens: everything in tags and brackets that a syntax is made of. */
import type { CallSyntax } from "./call-syntax.ts";

export function controlTextsOf(syntax: CallSyntax): readonly string[] {
  const { begin, end, between = "", form, alternatives = [] } = syntax;
  const parts = Object.values(form).flatMap((part: unknown) =>
    typeof part === "object" && part !== null ? Object.values(part) : [part],
  );
  const texts = [begin, end, between, ...parts].filter((one) => typeof one === "string");
  const found = texts.flatMap((one) => one.match(/<[^<>\s]*>|\[[A-Z_]+\]/g) ?? []);
  return [...new Set([...found, ...alternatives.flatMap(controlTextsOf)])];
}
