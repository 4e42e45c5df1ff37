/**
 * From a pattern to the language of the texts that contain a match of it.
 *
 * Compiled backwards: each part is given the language of all that follows it. An assertion is then an intersection with
 * that language: `$` with the empty text, a lookahead with what it looks for.
 */
import type { Budget } from "../budget.ts";
import { GrammarError } from "../grammar-error.ts";
import type { Expression, Expressions } from "./expression.ts";
import { type Pattern, parsePattern } from "./pattern-syntax.ts";

/** Beyond this a counted group that holds assertions is not unrolled. */
const MAX_UNROLLED = 16;

type Context = { readonly of: Expressions; readonly budget: Budget };

export function patternLanguage(source: string, of: Expressions, budget: Budget): Expression {
  const pattern = parsePattern(source);
  const context = { of, budget };
  const later = of.concat(of.any, of.anything);
  return of.or(
    follow(pattern, of.anything, true, context),
    of.concat(later, follow(pattern, of.anything, false, context)),
  );
}

/**
 * The texts that match as a whole, of a pattern that knows nothing of what is around it.
 * @throws GrammarError for `^` and `$`, which ask for that
 */
export function wholePatternLanguage(
  pattern: Pattern,
  of: Expressions,
  budget: Budget,
): Expression {
  if (hasEdge(pattern)) throw unsupported("^ or $ inside of a longer text");
  return follow(pattern, of.empty, false, { of, budget });
}

function follow(
  pattern: Pattern,
  rest: Expression,
  atStart: boolean,
  context: Context,
): Expression {
  const { of, budget } = context;
  budget.spend(1);
  if (rest === of.never) return rest;
  switch (pattern.kind) {
    case "set":
      return of.concat(of.set(pattern.set), rest);
    case "start":
      return atStart ? rest : of.never;
    case "end":
      return of.and(rest, of.empty);
    case "choice":
      return of.or(...pattern.options.map((option) => follow(option, rest, atStart, context)));
    case "sequence":
      return followSequence(pattern.items, rest, atStart, context);
    case "lookahead": {
      const ahead = follow(pattern.body, of.anything, atStart, context);
      return of.and(pattern.negative ? of.not(ahead) : ahead, rest);
    }
    case "repeat":
      return followRepeat(pattern, rest, atStart, context);
  }
}

function followSequence(
  items: readonly Pattern[],
  rest: Expression,
  atStart: boolean,
  context: Context,
): Expression {
  const starts: boolean[] = [];
  let start = atStart;
  items.forEach((item, index) => {
    starts.push(start);
    if (!start || isAssertion(item)) return;
    if (mayBeEmpty(item) && items.slice(index + 1).some(hasStart)) {
      throw unsupported("a ^ after something that may be empty");
    }
    start = false;
  });
  return items.reduceRight(
    (following, item, index) => follow(item, following, starts[index] ?? false, context),
    rest,
  );
}

function followRepeat(
  pattern: Pattern & { kind: "repeat" },
  rest: Expression,
  atStart: boolean,
  context: Context,
): Expression {
  const { of } = context;
  const { body, min, max } = pattern;
  if (!hasAssertion(body)) {
    return of.concat(of.repeat(follow(body, of.empty, false, context), min, max), rest);
  }
  if (max <= MAX_UNROLLED) {
    let following = rest;
    for (let count = max; count > 0; count--) {
      const once = follow(body, following, atStart && count === 1, context);
      if (atStart && count > 1 && mayBeEmpty(body)) throw unsupported("a repeated assertion");
      following = count > min ? of.or(rest, once) : once;
    }
    return following;
  }
  return followGuardedLoop(body, min, rest, context);
}

/** `((?!no)x)*` to the end: texts of x's in which no `no` begins. */
function followGuardedLoop(
  body: Pattern,
  min: number,
  rest: Expression,
  context: Context,
): Expression {
  const { of } = context;
  const items = body.kind === "sequence" ? body.items : [body];
  const last = items.at(-1);
  const guards = items.slice(0, -1);
  if (last?.kind !== "set" || rest !== of.empty) throw unsupported("an assertion in a loop");
  const forbidden = guards.map((guard) => {
    if (guard.kind !== "lookahead" || !guard.negative) throw unsupported("an assertion in a loop");
    const ahead = follow(guard.body, of.anything, false, context);
    if (ahead.nullable) throw unsupported("an assertion in a loop");
    return of.not(of.concat(of.anything, ahead));
  });
  return of.and(of.repeat(of.set(last.set), min, Infinity), ...forbidden);
}

function isAssertion({ kind }: Pattern): boolean {
  return kind === "start" || kind === "end" || kind === "lookahead";
}

function hasAssertion(pattern: Pattern): boolean {
  return isAssertion(pattern) || partsOf(pattern).some(hasAssertion);
}

function hasStart(pattern: Pattern): boolean {
  return pattern.kind === "start" || partsOf(pattern).some(hasStart);
}

function hasEdge(pattern: Pattern): boolean {
  return pattern.kind === "start" || pattern.kind === "end" || partsOf(pattern).some(hasEdge);
}

function partsOf(pattern: Pattern): readonly Pattern[] {
  if (pattern.kind === "sequence") return pattern.items;
  if (pattern.kind === "choice") return pattern.options;
  if (pattern.kind === "repeat" || pattern.kind === "lookahead") return [pattern.body];
  return [];
}

function mayBeEmpty(pattern: Pattern): boolean {
  if (pattern.kind === "set") return false;
  if (pattern.kind === "sequence") return pattern.items.every(mayBeEmpty);
  if (pattern.kind === "choice") return pattern.options.some(mayBeEmpty);
  if (pattern.kind === "repeat") return pattern.min === 0 || mayBeEmpty(pattern.body);
  return true;
}

function unsupported(what: string): GrammarError {
  return new GrammarError("unsupported", `the pattern uses ${what}, which cannot be guaranteed`);
}
