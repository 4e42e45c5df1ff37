/** The texts of an answer that calls tools, as a language: every call of it names a tool and fits its schema. */
import type { Language } from "@localmodel/inference/constraint.ts";
import type { LarkGrammar, Tool } from "@localmodel/inference/tools.ts";
import {
  afterKeyOf,
  afterValueOf,
  type CallSyntax,
  type ObjectForm,
  type TaggedForm,
  withName,
} from "../syntax/call-syntax.ts";
import { jsonFormOf } from "../syntax/json-form.ts";
import {
  parameterKinds,
  type ParameterKinds,
  recordOf,
  textsOf,
} from "../syntax/parameter-kinds.ts";
import { argumentsSchema } from "../syntax/arguments-schema.ts";
import { literal, separated, sequence, text, textWithout } from "./languages.ts";

/** One call or more, with all that is around them. `most` absent: as many as the family writes. */
export function callsLanguage(syntax: CallSyntax, tools: readonly Tool[], most?: number): Language {
  const calls = tools.map((tool) => callLanguage(syntax, tool));
  const call: Language = calls.length === 1 ? calls[0]! : { kind: "either", parts: calls };
  const { between } = syntax;
  const several: Language =
    between === undefined || most === 1
      ? call
      : {
          kind: "repeat",
          part: call,
          between: text(between),
          least: 1,
          ...(most !== undefined && { most }),
        };
  return sequence([text(syntax.begin), several, text(syntax.end)]);
}

function callLanguage({ form }: CallSyntax, tool: Tool): Language {
  switch (form.kind) {
    case "object":
      return objectCall(form, tool);
    case "named":
      return sequence([
        literal(withName(form.before, tool.name)),
        text(tool.name),
        literal(form.afterName),
        argumentsOf(tool),
        text(form.after),
      ]);
    case "tagged": {
      const kinds = parameterKinds(tool.parameters, form);
      return kinds === undefined
        ? objectCall(jsonFormOf(form), tool)
        : taggedCall(form, tool, kinds);
    }
  }
}

function argumentsOf(tool: Tool): Language {
  const { inputGrammar } = tool;
  if (inputGrammar !== undefined) {
    return sequence([text('{"input": '), inputString(inputGrammar), text("}")]);
  }
  return { kind: "schema", schema: argumentsSchema(tool), field: tool.field };
}

function inputString({ definition, field }: LarkGrammar): Language {
  return { kind: "larkString", text: definition, field };
}

function objectCall(form: ObjectForm, tool: Tool): Language {
  const id = form.idKey === undefined ? "" : `"${form.idKey}": "{n}", `;
  return sequence([
    text(withName(form.before, tool.name)),
    literal(`{${id}`),
    text(`"${form.nameKey}": "${tool.name}", "${form.argumentsKey}": `),
    argumentsOf(tool),
    text(`}${form.after}`),
  ]);
}

function taggedCall(form: TaggedForm, tool: Tool, kinds: ParameterKinds): Language {
  const properties = recordOf(tool.parameters["properties"]);
  const required = tool.parameters["required"];
  const parameters = Array.from(kinds, ([key, kind]) => {
    const value = taggedValue(form, { tool, key, kind, schema: properties[key] });
    const written = sequence([
      text(form.beforeKey + key + afterKeyOf(form, kind)),
      value,
      text(afterValueOf(form, kind, key)),
    ]);
    return { written, isRequired: Array.isArray(required) && required.includes(key) };
  });
  return sequence([
    text(withName(form.before, tool.name) + tool.name + form.afterName),
    separated(parameters, form.separator ?? ""),
    text(form.after),
  ]);
}

type Parameter = {
  readonly tool: Tool;
  readonly key: string;
  readonly kind: "text" | "json";
  readonly schema: unknown;
};

function taggedValue(form: TaggedForm, { tool, key, kind, schema }: Parameter): Language {
  const field = `${tool.field}.properties.${key}`;
  if (kind === "text") {
    const texts = textsOf(schema);
    return texts === undefined
      ? textWithout(afterValueOf(form, kind, key).trim(), field)
      : { kind: "choice", texts, field };
  }
  if (tool.inputGrammar !== undefined) return inputString(tool.inputGrammar);
  if (typeof schema === "boolean") return { kind: "schema", schema, field };
  const { $defs, definitions, $schema } = tool.parameters;
  const own = Object.entries({ $defs, definitions, $schema }).filter(
    ([, value]) => value !== undefined,
  );
  return { kind: "schema", schema: { ...recordOf(schema), ...Object.fromEntries(own) }, field };
}
