/** What the names of a Lark grammar mean: its own definitions, and terminals that it imports. */
import { grammarErrorAt } from "../grammar-error.ts";
import { commonTerminals } from "./common.ts";
import { type Definition, isTerminal, type LarkDocument, type Node } from "./syntax.ts";

export type Names = {
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Under the names that the grammar has for them. What those are made of is in `commonTerminals`. */
  readonly imported: ReadonlyMap<string, Definition>;
};

/** @throws GrammarError for what is defined twice, or used and not defined */
export function namesOf({ definitions, imports, ignored }: LarkDocument): Names {
  const own = new Map<string, Definition>();
  const imported = new Map<string, Definition>();
  for (const { name, as, line } of imports) {
    const found = commonTerminals.get(name);
    if (found === undefined)
      throw grammarErrorAt(line, `imports ${name}, which common does not have`);
    if (!isTerminal(as)) throw grammarErrorAt(line, `imports a terminal as ${as}, a name of rules`);
    imported.set(as, found);
  }
  for (const definition of definitions) {
    const { name, line } = definition;
    if (own.has(name) || imported.has(name))
      throw grammarErrorAt(line, `defines ${name} once more`);
    own.set(name, definition);
  }
  const names = { definitions: own, imported };
  for (const { name, body } of definitions) refuseUnknown(body, isTerminal(name), names);
  for (const body of ignored) refuseUnknown(body, true, names);
  return names;
}

function refuseUnknown(node: Node, inTerminal: boolean, names: Names): void {
  switch (node.kind) {
    case "name":
      return refuseUnknownName(node.text, node.line, { inTerminal, names });
    case "sequence":
    case "choice":
      return node.parts.forEach((part) => refuseUnknown(part, inTerminal, names));
    case "repeat":
      return refuseUnknown(node.body, inTerminal, names);
    default:
  }
}

function refuseUnknownName(
  name: string,
  line: number,
  { inTerminal, names }: { readonly inTerminal: boolean; readonly names: Names },
): void {
  if (!names.definitions.has(name) && !names.imported.has(name)) {
    const kind = isTerminal(name) ? "terminal" : "rule";
    throw grammarErrorAt(line, `uses the ${kind} ${name}, which is not defined`);
  }
  if (inTerminal && !isTerminal(name)) {
    throw grammarErrorAt(line, `uses the rule ${name} where only terminals may be`);
  }
}
