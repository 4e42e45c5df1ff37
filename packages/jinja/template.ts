/**
 * Jinja templates, rendered as Python's jinja2 renders them the way transformers sets it up for chat templates: sandboxed
 * and without escaping, with `trim_blocks`, `lstrip_blocks`, loop controls and the `generation` tag, JSON as it is, and
 * the functions `raise_exception` and `strftime_now`.
 *
 * A template is a program of whoever made the weights. Nothing that it can reach changes anything outside of it, and
 * what it uses up is bounded (meter.ts); how long it takes is for whoever runs it to bound.
 */
import { globals } from "./builtins/globals.ts";
import { type Limits, Meter } from "./meter.ts";
import { Output } from "./run/output.ts";
import { Scope } from "./run/scope.ts";
import { runBody } from "./run/statements.ts";
import { parse } from "./syntax/statements.ts";
import type { Body } from "./syntax/tree.ts";
import { TemplateError } from "./template-error.ts";
import { toValue } from "./values/convert.ts";

export type Template = { readonly body: Body };

type RenderOptions = {
  readonly limits?: Limits;
  /** What `strftime_now` tells. */
  readonly now?: Date;
};

/** Throws a TemplateError for what is no template. */
export function parseTemplate(source: string): Template {
  return { body: parse(source) };
}

/** Of variables as JSON has them. Throws a TemplateError with what the template raises, or cannot do. */
export function renderTemplate(
  { body }: Template,
  variables: Readonly<Record<string, unknown>>,
  { limits, now = new Date() }: RenderOptions = {},
): string {
  const meter = new Meter(limits);
  const builtins = new Scope();
  for (const [name, value] of globals(now)) builtins.set(name, value);
  const given = new Scope(builtins);
  const output = new Output(meter);
  try {
    for (const [name, value] of Object.entries(variables)) {
      if (value !== undefined) given.set(name, toValue(value, meter));
    }
    runBody(body, new Scope(given), output, meter);
  } catch (error) {
    // What is too deep for the stack, or too large for the machine, is the template's doing as well.
    if (error instanceof RangeError) throw new TemplateError(error.message, { cause: error });
    throw error;
  }
  return output.text;
}
