/**
 * Terminals of a Lark grammar as regular languages: nothing in them is recursive.
 *
 * Each is matched by itself. Lark's lexer would take the longest text of all terminals that could match; here a terminal
 * is whatever of its texts lets the rest match.
 */
import type { Budget } from "../budget.ts";
import { grammarErrorAt } from "../grammar-error.ts";
import { charSet, setOf } from "../regular/char-set.ts";
import type { Expression, Expressions } from "../regular/expression.ts";
import { withOtherCase } from "../regular/letter-case.ts";
import { wholePatternLanguage } from "../regular/pattern-language.ts";
import { commonTerminals } from "./common.ts";
import type { Names } from "./names.ts";
import { atLine, readRegexp, readString } from "./strings.ts";
import type { Definition, Node } from "./syntax.ts";

export type Terminals = (node: Node) => Expression;

type Context = { readonly names: Names; readonly of: Expressions; readonly budget: Budget };

export function createTerminals({ names, of, budget }: Context): Terminals {
  const known = new Map<Definition, Expression>();
  const open = new Set<Definition>();

  const named = (definition: Definition, find: Find, line: number): Expression => {
    const found = known.get(definition);
    if (found !== undefined) return found;
    if (open.has(definition)) {
      const message = `uses the terminal ${definition.name} inside of itself, which only rules can`;
      throw grammarErrorAt(line, message);
    }
    open.add(definition);
    const language = languageOf(definition.body, find);
    open.delete(definition);
    known.set(definition, language);
    return language;
  };

  const nameOf = (name: string, line: number, find: Find): Expression => {
    const definition = find(name);
    if (definition === undefined) throw new Error(`${name} has been looked for`);
    const isImported = commonTerminals.get(definition.name) === definition;
    return named(definition, isImported ? (inner) => commonTerminals.get(inner) : find, line);
  };

  const languageOf = (node: Node, find: Find): Expression => {
    const { line } = node;
    budget.spend(1);
    switch (node.kind) {
      case "string":
        return stringLanguage(node.text, line, of);
      case "range":
        return rangeLanguage(node, of);
      case "regexp":
        return atLine(line, () => wholePatternLanguage(readRegexp(node.text), of, budget));
      case "name":
        return nameOf(node.text, line, find);
      case "sequence":
        return of.sequence(...node.parts.map((part) => languageOf(part, find)));
      case "choice":
        return of.or(...node.parts.map((part) => languageOf(part, find)));
      case "repeat":
        return of.repeat(languageOf(node.body, find), node.min, node.max);
    }
  };

  return (node) =>
    languageOf(node, (name) => names.imported.get(name) ?? names.definitions.get(name));
}

type Find = (name: string) => Definition | undefined;

function stringLanguage(token: string, line: number, of: Expressions): Expression {
  const { text, ignoresCase } = readString(token, line);
  if (!ignoresCase) return of.literal(text);
  const sets = Array.from(text, (char) => withOtherCase(charSet(char.codePointAt(0) ?? 0)));
  return of.sequence(...sets.map((set) => of.set(set)));
}

function rangeLanguage(node: Node & { readonly kind: "range" }, of: Expressions): Expression {
  const ends = [node.from, node.to].map((token) => Array.from(readString(token, node.line).text));
  const [from, to] = ends.map((chars) =>
    chars.length === 1 ? chars[0]?.codePointAt(0) : undefined,
  );
  if (from === undefined || to === undefined || from > to) {
    const message = `has ${node.from}..${node.to}, expected two characters in their order`;
    throw grammarErrorAt(node.line, message);
  }
  return of.set(setOf([from, to]));
}
