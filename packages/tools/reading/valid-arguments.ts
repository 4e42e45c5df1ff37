/**
 * Whether arguments that nothing has constrained are what a tool takes: by the grammar that would have constrained them, so
 * that what is accepted here is nothing that could not have been written there.
 */
import { larkGrammar } from "@localmodel/grammar/compile-lark.ts";
import { schemaGrammar } from "@localmodel/grammar/compile-schema.ts";
import { acceptsText, programOf } from "@localmodel/grammar/gbnf/recognize.ts";
import { GrammarError } from "@localmodel/grammar/grammar-error.ts";
import type { Tool } from "@localmodel/inference/tools.ts";
import { argumentsSchema } from "../syntax/arguments-schema.ts";
import { recordOf } from "../syntax/parameter-kinds.ts";

/** A few milliseconds' worth, on the thread that answers everybody. */
const STEPS_MAX = 100_000;

export function isValidArguments(tool: Tool, args: unknown): boolean {
  const schema = argumentsSchema(tool);
  const limits = { steps: STEPS_MAX };
  try {
    const grammar = schemaGrammar(schema, { whitespace: "compact", limits });
    const fits = acceptsText(programOf(grammar), JSON.stringify(inDeclaredOrder(args, schema)));
    if (!fits || tool.inputGrammar === undefined) return fits;
    const inputs = larkGrammar(tool.inputGrammar.definition, { limits, asJsonString: true });
    return acceptsText(programOf(inputs), JSON.stringify(recordOf(args)["input"]));
  } catch (error) {
    if (error instanceof GrammarError) return false;
    throw error;
  }
}

/** Members may come in any order, and the grammar has one. */
function inDeclaredOrder(value: unknown, schema: unknown): unknown {
  const { properties, items } = recordOf(schema);
  if (Array.isArray(value)) return value.map((item) => inDeclaredOrder(item, items));
  if (typeof value !== "object" || value === null) return value;
  const declared = recordOf(properties);
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, inDeclaredOrder(inner, declared[key])] as const,
  );
  const order = Object.keys(declared);
  const placeOf = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.fromEntries(entries.toSorted(([a], [b]) => placeOf(a) - placeOf(b)));
}
