/**
 * Grammars in Lark's notation, as custom tools have them: the rule `start`, and the terminals that it is made of.
 *
 * tokens -> syntax -> names -> terminals (automata) and rules -> loops -> tidy. It fails closed: what Lark has and this does
 * not is refused, with its line. The one difference is that no lexer cuts the text first, see `lark/terminals.ts`.
 */
import { type Budget, createBudget, DEFAULT_LIMITS, type Limits } from "./budget.ts";
import { GrammarError } from "./grammar-error.ts";
import { nameBefore, withLoops } from "./lark/loops.ts";
import { namesOf } from "./lark/names.ts";
import { createRules } from "./lark/rules.ts";
import { type Definition, isTerminal, readLark } from "./lark/syntax.ts";
import { createTerminals } from "./lark/terminals.ts";
import { writtenTerminals } from "./lark/written-terminals.ts";
import { createExpressions } from "./regular/expression.ts";
import {
  createGrammarBuilder,
  type Grammar,
  type GrammarBuilder,
  ruleItem,
  text,
} from "./rules/grammar.ts";
import { leftRecursiveRule } from "./rules/left-recursion.ts";
import { tidy } from "./rules/tidy.ts";

export type LarkOptions = {
  readonly limits?: Partial<Limits>;
  readonly within?: Budget | undefined;
  /** Whether what matches is written as a JSON string, with its quotes. */
  readonly asJsonString?: boolean;
};

/** @throws GrammarError */
export function larkGrammar(source: string, options: LarkOptions = {}): Grammar {
  try {
    return compile(source, options);
  } catch (error) {
    // Terminals and groups are followed by recursion: what nests too deep for the call stack is too large.
    if (!(error instanceof RangeError)) throw error;
    throw new GrammarError("too_large", "the grammar nests too deep or has too long terminals");
  }
}

function compile(source: string, { limits, within, asJsonString = false }: LarkOptions): Grammar {
  const budget = createBudget({ ...DEFAULT_LIMITS, ...limits }, within);
  const { textLength } = budget.limits;
  if (source.length > textLength) {
    throw new GrammarError("too_large", `the grammar is longer than ${textLength} characters`);
  }
  budget.spend(source.length);
  const document = readLark(source);
  const names = namesOf(document);
  if (!names.definitions.has("start"))
    throw new GrammarError("invalid", "the grammar has no rule named start");
  const of = createExpressions(budget);
  const { grammar, own, madeFor } = ownedRules(createGrammarBuilder(budget));
  const { terminal, skipped } = writtenTerminals({
    grammar,
    budget,
    of,
    terminals: createTerminals({ names, of, budget }),
    ignored: document.ignored,
    inJson: asJsonString,
  });
  const definitions = document.definitions.filter(({ name }) => !isTerminal(name));
  const numbers = new Map(
    definitions.map((each) => [each.name, own(each, () => grammar.reserve(each.name))]),
  );
  const { define, loops } = createRules({ grammar, budget, numbers, terminal });
  for (const each of definitions) own(each, () => define(each));
  const root = grammar.reserve("root");
  const quote = asJsonString ? [text('"')] : [];
  grammar.define(root, [[...quote, ...skipped, ruleItem(numbers.get("start") ?? 0), ...quote]]);
  const written = withLoops(grammar.finish(root), loops, budget);
  refuseLeftRecursion(written, madeFor);
  const tidied = tidy(written);
  if (tidied === undefined) throw new GrammarError("invalid", "no text matches the grammar");
  return tidied;
}

/** Remembers for which definition a rule was made, which is what a client knows. */
function ownedRules(builder: GrammarBuilder) {
  const owners = new Map<string, Definition>();
  let owner: Definition | undefined;
  const reserve = (name: string): number => {
    const rule = builder.reserve(name);
    if (owner !== undefined) owners.set(builder.finish(0).rules[rule]?.name ?? "", owner);
    return rule;
  };
  const grammar: GrammarBuilder = {
    ...builder,
    reserve,
    add: (name, alternatives) => {
      const rule = reserve(name);
      builder.define(rule, alternatives);
      return { kind: "rule", rule };
    },
  };
  const own = <Result>(definition: Definition, make: () => Result): Result => {
    owner = definition;
    const made = make();
    owner = undefined;
    return made;
  };
  return { grammar, own, madeFor: (name: string) => owners.get(nameBefore(name)) };
}

function refuseLeftRecursion(
  { rules }: Grammar,
  madeFor: (name: string) => Definition | undefined,
): void {
  const recursive = leftRecursiveRule(rules);
  if (recursive === undefined) return;
  const { name, line } = madeFor(rules[recursive]?.name ?? "") ?? {};
  const message = `the rule ${name} begins with itself through others or after what may be empty: rewrite its left recursion`;
  throw new GrammarError("unsupported", `line ${line} of the grammar: ${message}`);
}
