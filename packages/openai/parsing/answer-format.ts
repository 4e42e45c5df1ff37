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
import { JsonShape } from "./json-shape.ts";

const CHOICES_MAX = 4096;
const TEXT_MAX_CHARACTERS = 500_000;

const Schema = z.union([z.record(z.string(), z.unknown()), z.boolean()]);
/** vLLM's clients send it as JSON, too. */
const SchemaOrText = z.preprocess(parsed, Schema);
/** What `json_object` means. */
const ANY_OBJECT = { type: "object" };
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

/** OpenAI has the schema inside, llama-server and Together beside the type. */
const AskedSchema = z
  .object({
    type: z.literal("json_schema"),
    json_schema: JsonSchemaFormat.exactOptional(),
    schema: Schema.exactOptional(),
  })
  .superRefine(({ json_schema, schema }, context) => {
    if (json_schema !== undefined || schema !== undefined) return;
    context.addIssue({ code: "invalid_type", expected: "object", path: ["json_schema"] });
  });

const ResponseFormat = nullsAbsent(
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("text") }),
    /** With a schema, as llama-server and Together have it. */
    z.object({ type: z.literal("json_object"), schema: Schema.exactOptional() }),
    AskedSchema,
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
type Formats = { readonly [Field in keyof AnswerFormat]-?: NonNullable<AnswerFormat[Field]> };

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

const READERS: { readonly [Field in keyof Formats]: (value: Formats[Field]) => readonly Named[] } =
  {
    response_format: responseFormat,
    structured_outputs: ({ json, json_object, regex, choice, grammar }) => [
      ...schemaAt(["structured_outputs", "json"], json),
      ...schemaAt(
        ["structured_outputs", "json_object"],
        json_object === true ? ANY_OBJECT : undefined,
      ),
      ...textAt("regex", ["structured_outputs", "regex"], regex),
      ...choiceAt(["structured_outputs", "choice"], choice),
      ...textAt("gbnf", ["structured_outputs", "grammar"], grammar),
    ],
    guided_json: (schema) => schemaAt(["guided_json"], schema),
    guided_regex: (text) => textAt("regex", ["guided_regex"], text),
    guided_choice: (texts) => choiceAt(["guided_choice"], texts),
    guided_grammar: (text) => textAt("gbnf", ["guided_grammar"], text),
    json_schema: (schema) => schemaAt(["json_schema"], schema),
    grammar: (text) => textAt("gbnf", ["grammar"], text),
    format: (format) => schemaAt(["format"], format === "json" ? ANY_OBJECT : format),
  };
const FORMATS = Object.keys(READERS) as (keyof Formats)[];

/** Looks only at what the request has. */
function languagesOf(request: AnswerFormat): readonly Named[] {
  return FORMATS.flatMap((field) => {
    const value = request[field];
    return value === undefined ? [] : read(field, value);
  });
}

function read<Field extends keyof Formats>(field: Field, value: Formats[Field]): readonly Named[] {
  return READERS[field](value);
}

function responseFormat(format: Formats["response_format"]): readonly Named[] {
  if (format.type === "text") return [];
  if (format.type === "json_schema" && format.json_schema !== undefined) {
    return schemaAt(["response_format", "json_schema", "schema"], format.json_schema.schema);
  }
  return format.schema === undefined
    ? schemaAt(["response_format"], ANY_OBJECT)
    : schemaAt(["response_format", "schema"], format.schema);
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

/** A text in a body hides what is in it from whoever looked at the body. */
function parsed(value: unknown, context: z.core.$RefinementCtx): unknown {
  if (typeof value !== "string") return value;
  const shape = new JsonShape(new TextEncoder().encode(value));
  shape.advance(Infinity);
  if (shape.excess !== undefined) {
    const message = `Invalid '{param}': the JSON in it is too complex: ${shape.excess}.`;
    context.addIssue(refusal(message, "invalid_value"));
    return z.NEVER;
  }
  try {
    return JSON.parse(value);
  } catch {
    // Refused for being a text.
    return value;
  }
}
