/**
 * Rules of objects: declared members in their order, optional ones skipped, and others anywhere between them.
 *
 * A state is the next declared member and, where counts matter, how many were written. The keys of other members are
 * automata that exclude the declared names, so that no declared member can be written twice or out of its schema.
 */
import { GrammarError } from "../grammar-error.ts";
import { type Conjunction, type Facts, compareOrders } from "../schema/facts.ts";
import { memberAt } from "../schema/inside.ts";
import { type Item, type Sequence, ruleItem, text } from "../rules/grammar.ts";
import { type OtherMember, listedNames, otherMembers } from "./other-members.ts";
import type { Emitter } from "./values.ts";

const MAX_STATES = 4000;

type Member = { readonly name: string; readonly terms: Conjunction; readonly required: boolean };

/** How many members were written, as far as the limits ask; other members count once, for they may repeat a key. */
type Count = { readonly least: number; readonly all: number; readonly others: boolean };

const START: Count = { least: 0, all: 0, others: false };

/** What the rules of one object are made of. */
type Plan = {
  readonly members: readonly Member[];
  readonly others: readonly OtherMember[];
  /** How many required members come from each index on. */
  readonly requiredFrom: readonly number[];
  /** The counts that matter: 0 and Infinity where any number will do. */
  readonly least: number;
  readonly most: number;
};

export function emitObject(facts: Facts, emitter: Emitter): readonly Sequence[] {
  const plan = planOf(facts, emitter);
  if (plan === undefined) return [];
  const { grammar, layout } = emitter;
  const states = createStates(plan, emitter);
  const first = states.keys(0, START).map((key): Sequence => [text('"'), ...key]);
  const whole = states.mayEnd(0, START) ? [...first, [text("}")]] : first;
  return [[text("{"), ...layout.inside, grammar.add("object", whole)]];
}

/** Undefined where a required member is impossible. */
function planOf(facts: Facts, emitter: Emitter): Plan | undefined {
  const { schemas } = emitter;
  const declared = declaredNames(facts);
  const names = new Set([...declared, ...listedNames(facts, declared, emitter)]);
  const all = [...names].map((name) => ({
    name,
    terms: memberAt(facts, name, schemas),
    required: facts.required.has(name),
  }));
  const members = all.filter(({ terms }) => !schemas.isImpossible(terms));
  const required = members.filter((member) => member.required).length;
  if (required < facts.required.size) return undefined;
  const others = otherMembers(facts, names, emitter);
  const limited = others.length > 0 || facts.maxProperties < members.length;
  const plan: Plan = {
    members,
    others,
    requiredFrom: countsFrom(members),
    least: facts.minProperties > required ? facts.minProperties : 0,
    most: limited ? facts.maxProperties : Infinity,
  };
  if (required > plan.most) return undefined;
  refuseUnreachable(plan);
  return plan;
}

function countsFrom(members: readonly Member[]): readonly number[] {
  let count = 0;
  return members
    .map(({ required }) => (required ? ++count : count))
    .map((before, i) => count - before + (members[i]?.required === true ? 1 : 0));
}

function createStates(plan: Plan, emitter: Emitter) {
  const { members, others, requiredFrom, least, most } = plan;
  const { inside, afterComma, afterColon } = emitter.layout;
  const state = createStateRules(emitter);
  const counted = (count: Count, other: boolean): Count => ({
    least: least === 0 || (other && count.others) ? count.least : Math.min(least, count.least + 1),
    all: most === Infinity ? 0 : count.all + 1,
    others: least > 0 && (count.others || other),
  });
  const hasRoom = (index: number, count: Count) => most - count.all > (requiredFrom[index] ?? 0);
  const mayEnd = (index: number, count: Count) =>
    (requiredFrom[index] ?? 0) === 0 && count.least >= least;

  const after = (index: number, count: Count): Sequence =>
    state("members", index, count, () => {
      const more = keys(index, count).map((key): Sequence => [
        text(","),
        ...afterComma,
        text('"'),
        ...key,
      ]);
      return mayEnd(index, count) ? [...more, [...inside, text("}")]] : more;
    });
  const keys = (index: number, count: Count): readonly Sequence[] => {
    const declared = declaredKeys(index, count);
    if (others.length === 0 || !hasRoom(index, count)) return declared;
    const next = after(index, counted(count, true));
    const undeclared = others.map(({ key, value }): Sequence => [
      ...key,
      text(":"),
      ...afterColon,
      value,
      ...next,
    ]);
    return [state("key", index, count, () => [...undeclared, ...declared])];
  };
  const written = new Map<string, readonly Sequence[]>();
  const declaredKeys = (index: number, count: Count): readonly Sequence[] => {
    const key = `${index},${count.least},${count.all},${count.others}`;
    const found = written.get(key) ?? writeKeys(index, count);
    written.set(key, found);
    return found;
  };
  const writeKeys = (index: number, count: Count): readonly Sequence[] => {
    const member = members[index];
    if (member === undefined) return [];
    const rest = member.required ? [] : declaredKeys(index + 1, count);
    if (!member.required && !hasRoom(index, count)) return rest;
    const key = text(`${JSON.stringify(member.name).slice(1)}:`);
    const next = after(index + 1, counted(count, false));
    const own = [key, ...afterColon, emitter.value(member.terms), ...next];
    return rest.length === 0 ? [own] : [state("name", index, count, () => [own, ...rest])];
  };
  return { keys, mayEnd };
}

/** One rule for each state, reserved before it is written, for states come round to themselves. */
function createStateRules({ grammar }: Emitter) {
  const known = new Map<string, Item>();
  return (kind: string, index: number, count: Count, make: () => readonly Sequence[]): Sequence => {
    const key = `${kind}${index},${count.least},${count.all},${count.others}`;
    const found = known.get(key);
    if (found !== undefined) return [found];
    if (known.size > MAX_STATES) {
      const message = "an object has too many members for its minProperties or maxProperties";
      throw new GrammarError("too_large", message);
    }
    const rule = grammar.reserve(kind);
    known.set(key, ruleItem(rule));
    grammar.define(rule, make());
    return [ruleItem(rule)];
  };
}

/** In the order in which subschemas name them; required names that none declares come last. */
function declaredNames({ blocks, required }: Facts): ReadonlySet<string> {
  const ordered = blocks.toSorted((a, b) => compareOrders(a.order, b.order));
  return new Set([...ordered.flatMap(({ properties }) => [...properties.keys()]), ...required]);
}

function refuseUnreachable({ members, others, least }: Plan): void {
  if (others.length === 0 || least <= members.length + 1) return;
  throw new GrammarError(
    "unsupported",
    `minProperties ${least} is guaranteed only where the schema names about so many members`,
  );
}
