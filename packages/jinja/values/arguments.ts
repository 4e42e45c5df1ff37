/** What a call gives, by the names of what is called: positions first, then keywords, each at most once. */
import { TemplateError } from "../template-error.ts";
import { type Arguments, isInteger, typeName, type Value } from "./values.ts";

export type Bound = readonly (Value | undefined)[];

/** A name that ends with `?` may be left out. */
export function bound(given: Arguments, names: readonly string[], called: string): Bound {
  const { positional, named } = given;
  if (positional.length > names.length) {
    throw new TemplateError(`${called}() got ${positional.length} values for ${names.length}`);
  }
  const plain = names.map((name) => name.replace("?", ""));
  const unknown = [...named.keys()].find((name) => !plain.includes(name));
  if (unknown !== undefined) throw new TemplateError(`${called}() knows no '${unknown}'`);
  return names.map((name, at) => {
    const key = plain[at] as string;
    if (at < positional.length && named.has(key)) {
      throw new TemplateError(`${called}() got '${key}' twice`);
    }
    const value = at < positional.length ? positional[at] : named.get(key);
    if (value === undefined && !name.endsWith("?")) {
      throw new TemplateError(`${called}() lacks '${key}'`);
    }
    return value;
  });
}

export function textArgument(value: Value | undefined, called: string): string {
  if (typeof value === "string") return value;
  throw new TemplateError(`${called}() takes a text, not ${typeName(value ?? null)}`);
}

export function integerArgument(value: Value | undefined, called: string): number {
  if (value !== undefined && isInteger(value)) return Number(value);
  throw new TemplateError(`${called}() takes an integer, not ${typeName(value ?? null)}`);
}
