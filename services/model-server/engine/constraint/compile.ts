/**
 * From a language to the program of its grammar, which texts are followed through. Pure.
 *
 * What is refused is named by the request's field that it came from and the place inside it, as a client would write it.
 */
import type { Constraint, Language } from "@localmodel/inference/constraint.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import {
  type Budget,
  createBudget,
  DEFAULT_LIMITS,
  type Limits,
} from "@localmodel/grammar/budget.ts";
import {
  eitherGrammar,
  repeatGrammar,
  sequenceGrammar,
  textGrammar,
} from "@localmodel/grammar/combine.ts";
import { larkGrammar } from "@localmodel/grammar/compile-lark.ts";
import { schemaGrammar } from "@localmodel/grammar/compile-schema.ts";
import { choiceGrammar, regexGrammar } from "@localmodel/grammar/compile-text.ts";
import { readGbnf } from "@localmodel/grammar/gbnf/read.ts";
import { type Program, programOf } from "@localmodel/grammar/gbnf/recognize.ts";
import { GrammarError } from "@localmodel/grammar/grammar-error.ts";
import type { Json } from "@localmodel/grammar/json.ts";
import { leftRecursiveRule } from "@localmodel/grammar/rules/left-recursion.ts";
import type { Grammar } from "@localmodel/grammar/rules/grammar.ts";
import { tidy } from "@localmodel/grammar/rules/tidy.ts";

/** All of a language together: a row of rules' parts, each a few dozen bytes. */
const ELEMENTS_MAX = 400_000;
const LIMITS: Limits = { ...DEFAULT_LIMITS, automatonStates: 20_000, textLength: 500_000 };

/** A request may have hundreds of tools: together they may take as long as two schemas that take the most. */
const STEPS_OF_ALL = 2 * LIMITS.steps;
/** Of each element of a schema's grammar: what is written by few steps is work to put together. */
const STEPS_PER_ELEMENT = 5;

/** @throws Failure for what cannot be guaranteed */
export function compileLanguage(language: Language): Program {
  const within = createBudget({ ...LIMITS, steps: STEPS_OF_ALL });
  const grammar = tidy(grammarOf(language, within));
  if (grammar === undefined) throw nothingMatches(language);
  if (leftRecursiveRule(grammar.rules) !== undefined) throw nothingMatches(language);
  const program = programOf(grammar);
  if (program.elements.length > ELEMENTS_MAX) {
    const message = `Invalid '${fieldOf(language)}': its grammar has more than ${ELEMENTS_MAX} elements.`;
    throw invalidRequest(fieldOf(language), message, "invalid_value");
  }
  return program;
}

function grammarOf(language: Language, within: Budget): Grammar {
  switch (language.kind) {
    case "schema":
      return ofField(language.field, "schema", () => {
        const grammar = schemaGrammar(language.schema as Json, {
          whitespace: "spaced",
          closesObjects: true,
          limits: LIMITS,
          within,
        });
        within.spend(STEPS_PER_ELEMENT * elementsOf(grammar));
        return grammar;
      });
    case "regex":
      return ofField(language.field, "regular expression", () =>
        regexGrammar(language.pattern, { limits: LIMITS, within }),
      );
    case "choice":
      return ofField(language.field, "choice", () =>
        choiceGrammar(language.texts, { limits: LIMITS, within }),
      );
    case "gbnf":
      return ofField(language.field, "grammar", () => readGbnf(language.text, { limits: LIMITS }));
    case "larkString":
      return ofField(language.field, "grammar", () =>
        larkGrammar(language.text, { asJsonString: true, limits: LIMITS, within }),
      );
    case "text":
      return textGrammar(language.text);
    case "sequence":
      return sequenceGrammar(language.parts.map((part) => grammarOf(part, within)));
    case "either":
      return eitherGrammar(language.parts.map((part) => grammarOf(part, within)));
    case "repeat":
      return repeatGrammar(grammarOf(language.part, within), {
        between: grammarOf(language.between, within),
        least: language.least,
        most: language.most,
      });
  }
}

function elementsOf({ rules }: Grammar): number {
  const items = rules.flatMap(({ alternatives }) => alternatives.flat());
  return items.reduce((sum, item) => sum + (item.kind === "text" ? item.text.length : 1), 0);
}

function ofField<Result>(field: string, what: string, compile: () => Result): Result {
  try {
    return compile();
  } catch (error) {
    if (error instanceof GrammarError) throw refused(error, field, what);
    throw error;
  }
}

function refused(error: GrammarError, field: string, what: string): Failure {
  const { path, keyword } = error;
  const at = `${field}${insideOf(path)}${keyword === undefined ? "" : memberOf(keyword)}`;
  const why = error.message.slice(error.message.indexOf(": ") + 2);
  const message =
    error.reason === "invalid"
      ? `Invalid '${at}': ${why}.`
      : `The ${what} in '${field}' cannot be guaranteed: ${why}, at '${at}'.`;
  return invalidRequest(at, message, CODES[error.reason]);
}

const CODES = {
  invalid: "invalid_value",
  unsupported: "unsupported_value",
  too_large: "schema_too_large",
} as const;

/** `#/properties/a~1b/items/0` is `.properties["a/b"].items[0]`. */
function insideOf(pointer: string): string {
  const keys = pointer.replace(/^#\/?/u, "").split("/");
  return keys
    .filter((key) => key !== "")
    .map((key) => memberOf(unescaped(key)))
    .join("");
}

function unescaped(key: string): string {
  const text = key.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function memberOf(key: string): string {
  if (/^\d+$/u.test(key)) return `[${key}]`;
  return /^[\w$-]+$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function nothingMatches(language: Language): Failure {
  const field = fieldOf(language);
  return invalidRequest(field, `Invalid '${field}': no text is possible.`, "invalid_value");
}

/** The request's field that says what the answer must be. */
export function fieldIn({ grammar }: Constraint): string | null {
  return (grammar && fieldOf(grammar.language)) || null;
}

/** The first that is named. */
export function fieldOf(language: Language): string {
  if ("field" in language) return language.field;
  const parts =
    language.kind === "repeat" ? [language.part] : "parts" in language ? language.parts : [];
  return parts.map(fieldOf).find((field) => field !== "") ?? "";
}
