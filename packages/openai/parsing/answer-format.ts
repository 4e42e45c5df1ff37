/**
 * What an answer has to be, by all the names that clients have for it: OpenAI's `response_format`, vLLM's
 * `structured_outputs` and `guided_…`, llama-server's `grammar` and `json_schema`, Ollama's `format`.
 *
 * Only their form is looked at here. Whether a schema can be guaranteed is found out when it is compiled, and what is
 * refused then is named by the paths that are made here.
 */
import { z } from "zod";
import type { Constraint, Language } from "@localmodel/inference/constraint.ts";
import { nullsAbsent, saysNothing } from "./fields.ts";
import { refusal } from "./issue.ts";

const CHOICES_MAX = 4096;
const TEXT_MAX_CHARACTERS = 500_000;

const Schema = z.union([z.record(z.string(), z.unknown()), z.boolean()]);
/** vLLM's clients send it as JSON, too. */
const SchemaOrText = z.preprocess(parsed, Schema);
const Pattern = z.string().max(TEXT_MAX_CHARACTERS);
const Choice = z.array(z.string()).min(1).max(CHOICES_MAX);

const JsonSchemaFormat = nullsAbsent(
  z.object({
    name: z.string().exactOptional(),
    description: z.string().exactOptional(),
    /** Held to either way. */
    strict: z.boolean().exactOptional(),
    schema: Schema,
  }),
);

const ResponseFormat = nullsAbsent(
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("text") }),
    /** With a schema, as llama-server and Together have it. */
    z.object({ type: z.literal("json_object"), schema: Schema.exactOptional() }),
    z.object({ type: z.literal("json_schema"), json_schema: JsonSchemaFormat }),
  ]),
);

const StructuredOutputs = nullsAbsent(
  z.object({
    json: SchemaOrText.exactOptional(),
    json_object: z.boolean().exactOptional(),
    regex: Pattern.exactOptional(),
    choice: Choice.exactOptional(),
    grammar: Pattern.exactOptional(),
    structural_tag: z
      .unknown()
      .superRefine((value, context) => {
        const message = "This server does not support '{param}'.";
        if (!saysNothing(value)) context.addIssue(refusal(message, "unsupported_parameter"));
      })
      .exactOptional(),
  }),
);

/** Empty means "not used", as in every such field. */
function unlessEmpty<Field extends z.ZodType>(schema: Field) {
  return z.preprocess((value) => (saysNothing(value) ? undefined : value), schema.optional());
}

export const answerFormatFields = {
  response_format: ResponseFormat.exactOptional(),
  structured_outputs: unlessEmpty(StructuredOutputs),
  guided_json: unlessEmpty(SchemaOrText),
  guided_regex: unlessEmpty(Pattern),
  guided_choice: unlessEmpty(Choice),
  guided_grammar: unlessEmpty(Pattern),
  json_schema: unlessEmpty(Schema),
  grammar: unlessEmpty(Pattern),
  format: unlessEmpty(z.union([z.literal("json"), Schema])),
} as const;

type AnswerFormat = z.output<z.ZodObject<typeof answerFormatFields>>;

/** Of several only one can be meant. */
export function refuseSeveralFormats(request: AnswerFormat, context: z.core.$RefinementCtx): void {
  const [, second] = languagesOf(request);
  if (second === undefined) return;
  const [first] = second.path;
  const message = "'{param}' cannot be combined with another field that says what the answer is.";
  context.addIssue({ ...refusal(message, "unsupported_parameter"), path: [first ?? ""] });
}

export function constraintOf(request: AnswerFormat): { readonly constraint?: Constraint } {
  const [found] = languagesOf(request);
  return found === undefined ? {} : { constraint: { grammar: { language: found.language } } };
}

type Named = { readonly path: readonly string[]; readonly language: Language };

function languagesOf(request: AnswerFormat): readonly Named[] {
  const { response_format: format, structured_outputs: structured } = request;
  return [
    ...responseFormat(format),
    ...schemaAt(["structured_outputs", "json"], structured?.json),
    ...schemaAt(["structured_outputs", "json_object"], anyObject(structured?.json_object === true)),
    ...textAt("regex", ["structured_outputs", "regex"], structured?.regex),
    ...choiceAt(["structured_outputs", "choice"], structured?.choice),
    ...textAt("gbnf", ["structured_outputs", "grammar"], structured?.grammar),
    ...schemaAt(["guided_json"], request.guided_json),
    ...textAt("regex", ["guided_regex"], request.guided_regex),
    ...choiceAt(["guided_choice"], request.guided_choice),
    ...textAt("gbnf", ["guided_grammar"], request.guided_grammar),
    ...schemaAt(["json_schema"], request.json_schema),
    ...textAt("gbnf", ["grammar"], request.grammar),
    ...schemaAt(["format"], request.format === "json" ? anyObject(true) : request.format),
  ];
}

function responseFormat(format: AnswerFormat["response_format"]): readonly Named[] {
  if (format?.type === "json_schema") {
    return schemaAt(["response_format", "json_schema", "schema"], format.json_schema.schema);
  }
  if (format?.type !== "json_object") return [];
  return format.schema === undefined
    ? schemaAt(["response_format"], anyObject(true))
    : schemaAt(["response_format", "schema"], format.schema);
}

function anyObject(wanted: boolean): object | undefined {
  return wanted ? { type: "object" } : undefined;
}

function schemaAt(path: readonly string[], schema: unknown): readonly Named[] {
  if (schema === undefined) return [];
  return [{ path, language: { kind: "schema", schema, field: path.join(".") } }];
}

function choiceAt(path: readonly string[], texts: readonly string[] | undefined): readonly Named[] {
  if (texts === undefined) return [];
  return [{ path, language: { kind: "choice", texts, field: path.join(".") } }];
}

function textAt(
  kind: "regex" | "gbnf",
  path: readonly string[],
  text: string | undefined,
): readonly Named[] {
  if (text === undefined) return [];
  const field = path.join(".");
  const language: Language =
    kind === "regex" ? { kind, pattern: text, field } : { kind, text, field };
  return [{ path, language }];
}

function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    // Refused for being a text.
    return value;
  }
}
