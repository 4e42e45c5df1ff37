/**
 * Tools for templates that look into schemas and know only the plainest: every parameter has one type, by its name, and a
 * description. Only what the model is shown changes; calls are held to the schemas as they came.
 */
const TYPES = ["string", "number", "integer", "boolean", "array", "object"];
const ALTERNATIVES = ["anyOf", "oneOf", "allOf"];

type Schema = Readonly<Record<string, unknown>>;

export function plainTools(tools: readonly object[]): readonly object[] {
  return tools.map((tool) => {
    const { function: described } = tool as { readonly function?: Schema };
    if (described === undefined) return tool;
    return { ...tool, function: { ...described, parameters: plainRoot(described["parameters"]) } };
  });
}

function plainRoot(given: unknown): Schema {
  const schema = schemaOf(given);
  const { required = [] } = schema;
  return { ...schema, type: "object", properties: plainMembers(schema), required };
}

/** Its own members, and those of its alternatives. */
function plainMembers(schema: Schema): Schema {
  const all = [...alternativesOf(schema), schema];
  return Object.fromEntries(
    all.flatMap((each) =>
      Object.entries(schemaOf(each["properties"])).map(([key, value]) => [key, plain(value)]),
    ),
  );
}

function plain(given: unknown): Schema {
  const schema = schemaOf(given);
  const { description = "", items, properties, additionalProperties } = schema;
  const type = typeOf(schema);
  return {
    ...schema,
    type,
    description,
    ...(properties !== undefined && { properties: plainMembers(schema) }),
    ...(type === "array" && { items: plain(items) }),
    ...(type === "object" && { additionalProperties: plain(additionalProperties) }),
  };
}

/** Of several types the first that is not null. */
function typeOf(schema: Schema): string {
  const { type, const: only, enum: values } = schema;
  const named = [type].flat().find((one) => typeof one === "string" && TYPES.includes(one));
  if (typeof named === "string") return named;
  const [value] = Array.isArray(values) ? (values as unknown[]) : [only];
  if (value !== undefined && value !== null) return Array.isArray(value) ? "array" : typeof value;
  const [alternative] = alternativesOf(schema).filter((one) => one["type"] !== "null");
  if (alternative !== undefined) return typeOf(alternative);
  if (schema["items"] !== undefined) return "array";
  return schema["properties"] === undefined && schema["$ref"] === undefined ? "string" : "object";
}

function alternativesOf(schema: Schema): readonly Schema[] {
  return ALTERNATIVES.flatMap((keyword) => {
    const list = schema[keyword];
    return Array.isArray(list) ? list.map(schemaOf) : [];
  });
}

/** A schema that is `true`, or none, says nothing. */
function schemaOf(given: unknown): Schema {
  return typeof given === "object" && given !== null && !Array.isArray(given)
    ? (given as Schema)
    : {};
}
