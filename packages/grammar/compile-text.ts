/**
 * Grammars of plain text: one of some choices, a regular expression, and GBNF that a client wrote itself.
 *
 * A regular expression is meant as a whole (vLLM's `guided_regex` too): the answer is the match, not text around it.
 */
import { type Budget, DEFAULT_LIMITS, createBudget } from "./budget.ts";
import { compileSchema, type SchemaOptions } from "./compile-schema.ts";
import { type Grammar, createGrammarBuilder } from "./rules/grammar.ts";
import { createTexts } from "./emit/texts.ts";
import { tidy } from "./rules/tidy.ts";
import { readGbnf } from "./gbnf/read.ts";
import { writeGbnf } from "./gbnf/write.ts";
import { GrammarError } from "./grammar-error.ts";
import { buildDfa } from "./regular/build-dfa.ts";
import { trieOf } from "./regular/dfa.ts";
import { type Expression, type Expressions, createExpressions } from "./regular/expression.ts";
import { patternLanguage } from "./regular/pattern-language.ts";

export type TextOptions = Pick<SchemaOptions, "limits" | "within">;

/** Any JSON object: `response_format: {type: "json_object"}`. */
export function compileJsonObject(options: SchemaOptions = {}): string {
  return compileSchema({ type: "object" }, options);
}

/** @throws GrammarError */
export function compileRegex(pattern: string, options: TextOptions = {}): string {
  return writeGbnf(regexGrammar(pattern, options));
}

/** @throws GrammarError */
export function regexGrammar(pattern: string, options: TextOptions = {}): Grammar {
  return languageGrammar(options, (of, budget) => patternLanguage(`^(?:${pattern})$`, of, budget));
}

/** @throws GrammarError */
export function compileChoice(choices: readonly string[], options: TextOptions = {}): string {
  return writeGbnf(choiceGrammar(choices, options));
}

/** @throws GrammarError */
export function choiceGrammar(choices: readonly string[], options: TextOptions = {}): Grammar {
  if (choices.length === 0) throw new GrammarError("invalid", "there is nothing to choose from");
  return languageGrammar(options, (of, { spend }) => {
    spend(choices.reduce((sum, choice) => sum + choice.length, 0));
    return of.automaton(trieOf(choices));
  });
}

/**
 * The text itself, when llama.cpp's engine can run it.
 * @throws GrammarError on bad syntax, undefined rules, left recursion, tokens by name, and too much repetition
 */
export function checkedGbnf(text: string, options: Pick<TextOptions, "limits"> = {}): string {
  readGbnf(text, options);
  return text;
}

type Language = (of: Expressions, budget: Budget) => Expression;

function languageGrammar({ limits, within }: TextOptions, languageOf: Language): Grammar {
  const budget = createBudget({ ...DEFAULT_LIMITS, ...limits }, within);
  const of = createExpressions(budget);
  const grammar = createGrammarBuilder(budget);
  const texts = createTexts(grammar, budget);
  const dfa = buildDfa(languageOf(of, budget), of, budget);
  const root = grammar.reserve("root");
  grammar.define(root, [[texts.plain(dfa)]]);
  const tidied = tidy(grammar.finish(root));
  if (tidied === undefined) throw new GrammarError("invalid", "no text matches");
  return tidied;
}
