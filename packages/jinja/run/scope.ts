/** Names and what they stand for, scope in scope. What is set in a loop's or a macro's scope ends with it. */
import { TemplateError } from "../template-error.ts";
import { itemsOf } from "../values/iterate.ts";
import { Namespace, Undefined, type Value } from "../values/values.ts";
import type { Target } from "../syntax/tree.ts";

export class Scope {
  readonly #names = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  get(name: string): Value {
    const value = this.#names.get(name);
    if (value !== undefined) return value;
    // No deeper than blocks may nest.
    return this.#outer === undefined
      ? new Undefined(`'${name}' is undefined`)
      : this.#outer.get(name);
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }

  assign(target: Target, value: Value): void {
    if (target.kind === "name") return this.set(target.name, value);
    if (target.kind === "member") return this.#assignMember(target.namespace, target.name, value);
    const items = itemsOf(value);
    if (items.length !== target.targets.length) {
      throw new TemplateError(`${items.length} values for ${target.targets.length} names`);
    }
    for (const [at, inner] of target.targets.entries()) this.assign(inner, items[at] as Value);
  }

  #assignMember(name: string, attribute: string, value: Value): void {
    const namespace = this.get(name);
    if (!(namespace instanceof Namespace)) {
      throw new TemplateError(`'${name}' is no namespace, whose attributes could be set`);
    }
    namespace.attributes.set(attribute, value);
  }
}
