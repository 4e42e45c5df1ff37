/** What makes a text no YAML, or YAML that two parsers would read differently. */
import { type Document, isScalar, visit } from "yaml";

type Mistake = { readonly offset: number; readonly message: string };

export const TOO_DEEP = "must not be nested hundreds of levels deep";

export function syntaxMistakes(document: Document): Mistake[] {
  // The parser is recursive and reports its own exhausted stack as if the text were wrong, many times.
  const exhausted = document.errors.find((it) => /call stack|stack overflow/i.test(it.message));
  if (exhausted !== undefined) return [{ offset: exhausted.pos[0], message: TOO_DEEP }];
  return document.errors.map((error) => ({
    offset: error.pos[0],
    message: `is not valid YAML: ${error.message}`,
  }));
}

/** Keys that occur twice in one map: parsers disagree on which of the values counts. */
export function repeatedKeys(document: Document): Mistake[] {
  const mistakes: Mistake[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key) || typeof key.value === "symbol") continue; // `<<` is a symbol.
        const name = String(key.value);
        if (seen.has(name)) {
          mistakes.push({
            offset: key.range?.[0] ?? 0,
            message: `must not repeat the key ${JSON.stringify(name.slice(0, 80))} in one map`,
          });
        }
        seen.add(name);
      }
    },
  });
  return mistakes;
}
