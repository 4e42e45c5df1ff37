/** Whether a value is what OpenAI's document says it is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ValidateFunction } from "ajv";
import { ajv } from "../support/ajv.ts";

const ID = "openai";
type Schema = { readonly [word: string]: unknown };
type Document = {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

const text = readFileSync(new URL("schemas.json", import.meta.url), "utf8").replaceAll(
  // The word of an older draft, where a filter may hold filters.
  '{"$recursiveRef":"#"}',
  '{"$ref":"#/components/schemas/CompoundFilter"}',
);
const document = JSON.parse(text, nullsTold) as Document;
ajv.addSchema(document, ID);
/** A message that is asked has two schemas of the document that fit, which says that one has to. */
const ASKED = "openai-asked";
ajv.addSchema(JSON.parse(text.replaceAll('"oneOf"', '"anyOf"'), nullsTold) as Document, ASKED);

/** `nullable` is OpenAPI's word, and ajv knows it beside a type alone. */
function nullsTold(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("nullable" in value)) return value;
  const { nullable, ...schema } = value;
  return nullable === true ? { anyOf: [schema, { type: "null" }] } : schema;
}

const validators = new Map<string, ValidateFunction>();

function validatorOf(name: string): ValidateFunction {
  const known = validators.get(name);
  if (known !== undefined) return known;
  const place = name === "CreateResponse" ? ASKED : ID;
  const made = ajv.compile({ $ref: `${place}#/components/schemas/${name}` });
  validators.set(name, made);
  return made;
}

/** `name`: of a schema of the document. */
export function assertIs(name: string, value: unknown): void {
  const validate = validatorOf(name);
  if (validate(value)) return;
  const wrong = validate.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`);
  assert.fail(`no ${name}: ${wrong?.join("; ")}\n${JSON.stringify(value)}`);
}

/** Events by their type: one schema each, so that what is wrong with one can be told. */
const EVENTS = new Map(
  Object.entries(document.components.schemas).flatMap(([name, { properties }]) => {
    const { type } = (properties ?? {}) as { type?: { enum?: readonly string[] } };
    const [only, ...others] = type?.enum ?? [];
    return only !== undefined && others.length === 0 && name.endsWith("Event")
      ? [[only, name] as const]
      : [];
  }),
);

export function assertIsEvent(event: { readonly type: string }): void {
  const name = EVENTS.get(event.type);
  assert.ok(name !== undefined, `OpenAI's document knows no event of type ${event.type}`);
  assertIs(name, event);
  assertIs("ResponseStreamEvent", event);
}
