/**
 * From the tools of a request to what its answer must be.
 *
 * `required` puts the beginning of a call there and lets only calls follow; `none` bans what calls begin with; `auto` is
 * free until the model begins a call, and from there on it is a call of a tool that there is.
 */
import type { Constraint, Language } from "@localmodel/inference/constraint.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { Tool, ToolUse } from "@localmodel/inference/tools.ts";
import { type CallSyntax, markersOf, openingOf, withName } from "../syntax/call-syntax.ts";
import { controlTextsOf } from "../syntax/control-texts.ts";
import { jsonFormOf } from "../syntax/json-form.ts";
import { parameterKinds } from "../syntax/parameter-kinds.ts";
import { callsLanguage } from "./calls-language.ts";

/**
 * Undefined where any answer will do.
 * @throws Failure for a tool whose arguments are to be something else than an object
 */
export function toolConstraint(syntax: CallSyntax, use: ToolUse): Constraint | undefined {
  use.tools.forEach(assertObject);
  const callable = callableTools(use);
  const names = use.tools.map(({ name }) => name);
  if (use.choice === "none") {
    return names.length === 0 ? undefined : { banned: [...markersOf(syntax, names)] };
  }
  if (callable.length === 0) return undefined;
  const language = (one: CallSyntax) => callsLanguage(one, callable, use.parallel ? undefined : 1);
  const grammar = {
    language: language(syntax),
    controlTexts: controlTextsOf(syntax),
    // A line break that ends a text would cut calls to pieces.
    ignoresStops: true,
  };
  if (use.choice === "required") return { prefix: prefixOf(syntax, callable), grammar };
  const after = markersOf(
    syntax,
    callable.map(({ name }) => name),
  ).map((text) => ({ text, isPartOfLanguage: true }));
  const { alternatives = [] } = syntax;
  const [first, ...others] = [syntax, ...alternatives].map(language);
  const any: Language = { kind: "either", parts: [first!, ...others] };
  return {
    grammar: { ...grammar, ...(others.length > 0 && { language: any }), begins: { after } },
  };
}

export function callableTools({ tools, among }: Pick<ToolUse, "tools" | "among">): readonly Tool[] {
  return among === undefined ? tools : tools.filter(({ name }) => among.includes(name));
}

/** Arguments have names, in every family's way to write them. */
function assertObject({ parameters: { type }, field }: Tool): void {
  if (type === undefined || [type].flat().includes("object")) return;
  const message = `Invalid '${field}.type': the arguments of a tool are an object.`;
  throw invalidRequest(`${field}.type`, message, "invalid_value");
}

/** As far as all calls are alike; with one tool that is up to its arguments. */
function prefixOf(syntax: CallSyntax, tools: readonly Tool[]): string {
  const [only, another] = tools;
  const { form } = syntax;
  if (only === undefined || another !== undefined) return sharedOpening(syntax, tools);
  if (form.kind === "object" && form.idKey === undefined) {
    return `${withName(openingOf(syntax), only.name)}{"${form.nameKey}": "${only.name}", "${form.argumentsKey}":`;
  }
  if (form.kind === "named" && !`${form.before}${form.afterName}`.includes("{")) {
    return withName(openingOf(syntax), only.name) + only.name + form.afterName;
  }
  return sharedOpening(syntax, tools);
}

function sharedOpening(syntax: CallSyntax, tools: readonly Tool[]): string {
  const { form, begin } = syntax;
  // What differs from call to call is left to the model.
  const isInTags = ({ parameters }: Tool) =>
    form.kind !== "tagged" || parameterKinds(parameters, form) !== undefined;
  const before =
    form.kind === "tagged" && !tools.every(isInTags) ? jsonFormOf(form).before : form.before;
  const [only, another] = tools;
  const named = only !== undefined && another === undefined ? withName(before, only.name) : before;
  return (begin + named).replace(/\{(?:n|id|name)\}[^]*$/, "");
}
