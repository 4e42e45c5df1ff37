/**
 * `tools`, and `functions`, their older name: what a model may call.
 *
 * A custom tool takes one text; to the model it is a function with the one parameter `input`.
 */
import { z } from "zod";
import type { JsonSchema, Tool } from "@localmodel/inference/tools.ts";
import { boundedArray, nullsAbsent, Text } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { type Json, wellFormed } from "../parsing/well-formed.ts";

/** OpenAI takes 128. */
export const TOOLS_MAX = 512;
const TOOLS_MAX_CHARACTERS = 1024 * 1024;
/** OpenAI's are shorter and have no dots; servers of tools put several parts together. */
const NAME = /^[\w.-]{1,128}$/;

const ToolName = z
  .string()
  .refine(
    (name) => NAME.test(name),
    refusal(
      "Invalid '{param}': expected 1 to 128 letters, digits, underscores, hyphens and dots.",
      "invalid_value",
    ),
  );

export const Schema = z
  .record(z.string(), z.unknown())
  .transform((schema) => wellFormed(schema as Json) as JsonSchema);

export const described = { name: ToolName, description: Text.exactOptional() };

const FunctionDefinition = nullsAbsent(
  z.object({
    ...described,
    parameters: Schema.exactOptional(),
    strict: z.boolean().exactOptional(),
  }),
);
type FunctionDefinition = z.output<typeof FunctionDefinition>;

/** What the text of a custom tool has to be. */
export const InputGrammar = z.object({ syntax: z.enum(["regex", "lark"]), definition: Text });
type InputGrammar = z.output<typeof InputGrammar>;

const GrammarFormat = z.object({ type: z.literal("grammar"), grammar: InputGrammar });

const CustomDefinition = nullsAbsent(
  z.object({
    ...described,
    format: z
      .discriminatedUnion("type", [z.object({ type: z.literal("text") }), GrammarFormat])
      .exactOptional(),
  }),
);

const ToolDefinition = nullsAbsent(
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("function"), function: FunctionDefinition }),
    z.object({ type: z.literal("custom"), custom: CustomDefinition }),
  ]),
);
type ToolDefinition = z.output<typeof ToolDefinition>;

export const notTooLong = [
  (list: readonly unknown[]) => JSON.stringify(list).length <= TOOLS_MAX_CHARACTERS,
  refusal(
    `Invalid '{param}': expected at most ${TOOLS_MAX_CHARACTERS} characters of JSON.`,
    "array_above_max_length",
  ),
] as const;

export const Tools = boundedArray(ToolDefinition, { max: TOOLS_MAX }).refine(...notTooLong);
export const Functions = boundedArray(FunctionDefinition, { max: TOOLS_MAX }).refine(...notTooLong);

/** A tool that takes no arguments may leave its schema out. */
const NO_PARAMETERS: JsonSchema = { type: "object", properties: {} };

/** Each where the client wrote it. */
export function toolsOf(
  definitions: readonly ToolDefinition[],
  functions: readonly FunctionDefinition[],
): readonly Tool[] {
  return [
    ...definitions.map((definition, index) =>
      definition.type === "function"
        ? functionTool(definition.function, `tools[${index}].function`)
        : customTool(
            { ...definition.custom, grammar: grammarOf(definition.custom) },
            { tool: `tools[${index}].custom`, grammar: `tools[${index}].custom.format.grammar` },
          ),
    ),
    ...functions.map((definition, index) => functionTool(definition, `functions[${index}]`)),
  ];
}

export function functionTool(
  {
    name,
    description,
    parameters = NO_PARAMETERS,
  }: Pick<FunctionDefinition, "name" | "description" | "parameters">,
  field: string,
): Tool {
  return {
    name,
    parameters,
    field: `${field}.parameters`,
    ...(description !== undefined && { description }),
  };
}

type CustomTool = {
  readonly name: string;
  readonly description?: string;
  readonly grammar: InputGrammar | undefined;
};

/** Where the client wrote the tool and its grammar. */
type Places = { readonly tool: string; readonly grammar: string };

export function customTool({ name, description, grammar }: CustomTool, places: Places): Tool {
  const isLark = grammar?.syntax === "lark";
  return {
    name,
    parameters: {
      type: "object",
      properties: { input: inputSchema(grammar) },
      required: ["input"],
    },
    field: `${places.tool}.format`,
    ...(description !== undefined && { description }),
    ...(isLark && {
      inputGrammar: { definition: grammar.definition, field: `${places.grammar}.definition` },
    }),
  };
}

/** As the model sees it. A `format` says that there are rules, also to those who write plain strings in another way. */
function inputSchema(grammar: InputGrammar | undefined): JsonSchema {
  if (grammar === undefined) return { type: "string" };
  const { syntax, definition } = grammar;
  if (syntax === "regex") return { type: "string", pattern: `^(?:${definition})$` };
  return {
    type: "string",
    format: "lark",
    description: `A text of this Lark grammar:\n${definition}`,
  };
}

function grammarOf({ format }: z.output<typeof CustomDefinition>): InputGrammar | undefined {
  return format?.type === "grammar" ? format.grammar : undefined;
}

/** As chat templates expect them, who look for every one of these fields. */
export function templateTool({ name, description = "", parameters }: Tool): object {
  return { type: "function", function: { name, description, parameters } };
}
