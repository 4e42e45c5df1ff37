/**
 * What a model is told of the functions of a question: the leaderboard's own documents, as its Python package words them for
 * APIs like OpenAI's.
 *
 * Values of Java and JavaScript cannot be written as JSON: a model writes them as texts, as they would stand in a program.
 */
import type OpenAI from "openai";

export type FunctionOfQuestion = {
  readonly name: string;
  readonly description: string;
  readonly parameters: Described & { readonly properties: Readonly<Record<string, Described>> };
};

type Described = {
  readonly type?: string;
  readonly description?: string;
  readonly items?: Described;
  readonly properties?: Readonly<Record<string, Described>>;
};

/** What JSON Schema calls the types that the questions name, where it has another name. */
const TYPES: Readonly<Record<string, string>> = {
  dict: "object",
  float: "number",
  tuple: "array",
  any: "string",
};

const LANGUAGES: Readonly<Record<string, { readonly name: string; readonly syntax: string }>> = {
  simple_java: { name: "Java", syntax: "Java 8 SDK" },
  simple_javascript: { name: "JavaScript", syntax: "JavaScript" },
};

export function toolOf(
  { name, description, parameters }: FunctionOfQuestion,
  category: string,
): OpenAI.ChatCompletionTool {
  const language = LANGUAGES[category];
  const described = (one: Described): Described =>
    language === undefined ? inJsonSchema(one) : asText(one, language.name);
  return {
    type: "function",
    function: {
      // Names of functions have no points in the APIs of those who are asked.
      name: name.replaceAll(".", "_"),
      description: `${description} Note that the provided function is in ${language?.syntax ?? "Python 3"} syntax.`,
      parameters: { ...parameters, type: "object", properties: ofEach(parameters, described) },
    },
  };
}

function ofEach(
  { properties = {} }: Described,
  described: (one: Described) => Described,
): Readonly<Record<string, Described>> {
  return Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, described(one)]));
}

function asText(
  { type = "any", description = "", items, properties, ...rest }: Described,
  language: string,
): Described {
  const hints = [
    type === "any"
      ? `This parameter can be of any type of ${language} object in string representation.`
      : `This is ${language} ${type} type parameter in string representation.`,
    items && `The list elements are of type ${items.type}; they are not in string representation.`,
    properties &&
      `The dictionary entries have the following schema; they are not in string representation. ${asPython(properties)}`,
  ];
  const all = [description, ...hints.filter((hint) => hint !== undefined)].join(" ");
  return { ...rest, description: all, type: "string" };
}

/** JSON with a space behind commas and colons. Line breaks of texts are escaped in it. */
function asPython(value: unknown): string {
  const lines = JSON.stringify(value, undefined, 1);
  return lines
    .replaceAll(/([[{])\n */g, "$1")
    .replaceAll(/\n *([\]}])/g, "$1")
    .replaceAll(/,\n */g, ", ");
}

function inJsonSchema(one: Described): Described {
  const { type = "any", items, properties } = one;
  return {
    ...one,
    type: TYPES[type] ?? type,
    ...(type === "float" && {
      format: "float",
      description: `${one.description ?? ""} This is a float type value.`,
    }),
    ...(properties && { properties: ofEach(one, inJsonSchema) }),
    ...(items && { items: itemsOf(items) }),
  };
}

/** Of what is in a list only the type is told. */
function itemsOf(one: Described): Described {
  const { type = "any", items, properties } = one;
  return {
    ...one,
    type: TYPES[type] ?? type,
    ...(properties && { properties: ofEach(one, inJsonSchema) }),
    ...(items && { items: itemsOf(items) }),
  };
}
