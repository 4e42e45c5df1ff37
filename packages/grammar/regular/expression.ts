/**
 * Regular languages as expressions with intersection and complement, and their derivatives.
 *
 * Everything that says which strings or numbers are allowed (patterns, formats, lengths, ranges, names that are
 * taken) becomes one expression, and one automaton at the end. Expressions are shared: equal ones are one object, so that
 * derivatives (what may follow a character) come round to expressions seen before.
 */
import type { Budget } from "../budget.ts";
import { ANY_CHAR, type CharSet, charSet, hasChar, union as unionOfSets } from "./char-set.ts";
import { type Dfa, nextState } from "./dfa.ts";

export type Expression = { readonly id: number; readonly nullable: boolean } & (
  | { readonly kind: "never" | "empty" }
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "concat"; readonly first: Expression; readonly rest: Expression }
  | { readonly kind: "or" | "and"; readonly parts: readonly Expression[] }
  | { readonly kind: "not"; readonly body: Expression }
  | {
      readonly kind: "repeat";
      readonly body: Expression;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: "automaton"; readonly dfa: Dfa; readonly state: number }
);

/** Omit that keeps the members of a union apart. */
type Unshared<T> = T extends unknown ? Omit<T, "id"> : never;

type Share = (key: string, make: () => Unshared<Expression>) => Expression;

export type Expressions = ReturnType<typeof createExpressions>;

export function createExpressions(budget: Budget) {
  const share = createShare(budget);
  const never = share("never", () => ({ kind: "never", nullable: false }));
  const empty = share("empty", () => ({ kind: "empty", nullable: true }));
  const set = (chars: CharSet): Expression =>
    chars.length === 0
      ? never
      : share(`s${chars.join()}`, () => ({ kind: "set", set: chars, nullable: false }));
  const repeat = createRepeat({ share, never, empty });
  const any = set(ANY_CHAR);
  const anything = repeat(any, 0, Infinity);

  const concat = (first: Expression, rest: Expression): Expression => {
    if (first === never || rest === never) return never;
    if (first === empty) return rest;
    if (rest === empty) return first;
    if (first === anything && rest === anything) return anything;
    if (first.kind === "concat") return concat(first.first, concat(first.rest, rest));
    const nullable = first.nullable && rest.nullable;
    return share(`c${first.id},${rest.id}`, () => ({ kind: "concat", first, rest, nullable }));
  };

  const not = (body: Expression): Expression => {
    if (body === never) return anything;
    if (body === anything) return never;
    if (body.kind === "not") return body.body;
    return share(`n${body.id}`, () => ({ kind: "not", body, nullable: !body.nullable }));
  };

  const or = createCombine("or", { share, set, unit: never, zero: anything });
  const and = createCombine("and", { share, set, unit: anything, zero: never });
  const automaton = createAutomaton(share);
  const sequence = (...parts: readonly Expression[]): Expression =>
    parts.reduceRight((rest, first) => concat(first, rest), empty);
  const literal = (text: string): Expression =>
    sequence(...Array.from(text, (char) => set(charSet(char.codePointAt(0) ?? 0))));

  const built = { never, empty, any, anything, set, repeat, concat, not, or, and, automaton };
  return {
    ...built,
    sequence,
    literal,
    star: (body: Expression) => repeat(body, 0, Infinity),
    optional: (body: Expression) => repeat(body, 0, 1),
    /** What may follow `char` in a text of the language. */
    derive: createDerive(built, budget),
  };
}

function createShare({ spend }: Budget): Share {
  const known = new Map<string, Expression>();
  return (key, make) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    spend(1);
    const made = { ...make(), id: known.size } as Expression;
    known.set(key, made);
    return made;
  };
}

type Basics = { readonly share: Share; readonly never: Expression; readonly empty: Expression };

function createRepeat({ share, never, empty }: Basics) {
  const repeat = (body: Expression, min: number, max: number): Expression => {
    if (max === 0 || body === empty) return empty;
    if (body === never) return min === 0 ? empty : never;
    if (min === 1 && max === 1) return body;
    if (body.kind === "repeat" && body.min <= 1 && body.max === Infinity && min <= 1) {
      return repeat(body.body, body.min * min, Infinity);
    }
    const least = body.nullable ? 0 : min;
    return share(`r${body.id},${least},${max}`, () => ({
      kind: "repeat",
      body,
      min: least,
      max,
      nullable: least === 0,
    }));
  };
  return repeat;
}

type Combination = {
  readonly share: Share;
  readonly set: (chars: CharSet) => Expression;
  /** What changes nothing, and what decides all. */
  readonly unit: Expression;
  readonly zero: Expression;
};

function createCombine(kind: "or" | "and", { share, set, unit, zero }: Combination) {
  return (...given: readonly Expression[]): Expression => {
    const flat = given.flatMap((one) => (one.kind === kind ? one.parts : [one]));
    if (flat.includes(zero)) return zero;
    const parts = new Map<number, Expression>();
    for (const part of kind === "or" ? mergedSets(flat, set) : flat) {
      if (part !== unit) parts.set(part.id, part);
    }
    if (hasOpposites(parts)) return zero;
    const sorted = [...parts.values()].toSorted((a, b) => a.id - b.id);
    if (sorted.length < 2) return sorted[0] ?? unit;
    const nullable = kind === "or" ? sorted.some(isNullable) : sorted.every(isNullable);
    const key = `${kind}${sorted.map((part) => part.id).join()}`;
    return share(key, () => ({ kind, parts: sorted, nullable }));
  };
}

/** Characters side by side are one set. */
function mergedSets(
  parts: readonly Expression[],
  set: (chars: CharSet) => Expression,
): readonly Expression[] {
  const sets = parts.flatMap((part) => (part.kind === "set" ? [part.set] : []));
  if (sets.length < 2) return parts;
  return [...parts.filter(({ kind }) => kind !== "set"), set(unionOfSets(...sets))];
}

function hasOpposites(parts: ReadonlyMap<number, Expression>): boolean {
  return [...parts.values()].some((part) => part.kind === "not" && parts.has(part.body.id));
}

function isNullable({ nullable }: Expression): boolean {
  return nullable;
}

function createAutomaton(share: Share) {
  const numbers = new Map<Dfa, number>();
  return (dfa: Dfa, state = dfa.start): Expression => {
    const number = numbers.get(dfa) ?? numbers.size;
    numbers.set(dfa, number);
    return share(`a${number},${state}`, () => ({
      kind: "automaton",
      dfa,
      state,
      nullable: dfa.accepting[state] ?? false,
    }));
  };
}

type Combine = (...parts: readonly Expression[]) => Expression;

type Built = {
  readonly never: Expression;
  readonly empty: Expression;
  readonly repeat: (body: Expression, min: number, max: number) => Expression;
  readonly concat: (first: Expression, rest: Expression) => Expression;
  readonly not: (body: Expression) => Expression;
  readonly or: Combine;
  readonly and: Combine;
  readonly automaton: (dfa: Dfa, state: number) => Expression;
};

/** Choices and intersections are derived part by part. */
function costOf(of: Expression): number {
  return of.kind === "or" || of.kind === "and" ? of.parts.length : 1;
}

function createDerive(build: Built, { spend }: Budget) {
  const derive = (of: Expression, char: number): Expression => {
    spend(costOf(of));
    switch (of.kind) {
      case "never":
      case "empty":
        return build.never;
      case "set":
        return hasChar(of.set, char) ? build.empty : build.never;
      case "concat":
        return deriveConcat(of.first, of.rest, char);
      case "or":
      case "and":
        return build[of.kind](...of.parts.map((part) => derive(part, char)));
      case "not":
        return build.not(derive(of.body, char));
      case "repeat": {
        const rest = build.repeat(of.body, Math.max(0, of.min - 1), of.max - 1);
        return build.concat(derive(of.body, char), rest);
      }
      case "automaton":
        return deriveAutomaton(of.dfa, of.state, char);
    }
  };
  const deriveConcat = (first: Expression, rest: Expression, char: number): Expression => {
    const through = build.concat(derive(first, char), rest);
    return first.nullable ? build.or(through, derive(rest, char)) : through;
  };
  const deriveAutomaton = (dfa: Dfa, state: number, char: number): Expression => {
    const next = nextState(dfa, state, char);
    return next === undefined ? build.never : build.automaton(dfa, next);
  };
  return derive;
}
