/**
 * A zod schema as a Kubernetes structural schema (KEP-2335).
 *
 * It fails for what the API server would refuse or silently weaken, so that a field which cannot be
 * in the CRD is noticed where it is declared.
 */
import { z } from "zod";

export type StructuralSchema = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
  readonly additionalProperties?: StructuralSchema;
  /** For the field reference only; the CRD leaves it out. */
  readonly allowed?: string;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-validations"?: readonly { rule: string; message: string }[];
};

type Json = Readonly<Record<string, unknown>>;

const FORBIDDEN = ["anyOf", "oneOf", "allOf", "not", "$ref", "nullable"] as const;

export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const json = z.toJSONSchema(schema, {
    target: "openapi-3.0",
    // As people write it: what has a default may be left out.
    io: "input",
    reused: "inline",
    unrepresentable: "throw",
  });
  return structural(json, "");
}

function structural(node: Json, path: string): StructuralSchema {
  const forbidden = FORBIDDEN.find((keyword) => keyword in node);
  if (forbidden !== undefined) throw new Error(`${path} has no structural schema: ${forbidden}`);
  const { properties, items, additionalProperties, type, ...rest } = node;
  // The API server infers the two types of an int-or-string and refuses to be told one.
  const isIntOrString = rest["x-kubernetes-int-or-string"] === true;
  const schema = {
    ...(isIntOrString ? {} : { type }),
    ...rest,
    // What may be anything has no schema, and the API server keeps it as it is.
    ...(rest["x-kubernetes-preserve-unknown-fields"] === true
      ? {}
      : childrenOf({ properties, items, additionalProperties }, path)),
  } as StructuralSchema;
  requireBounds(schema, path);
  return schema;
}

function childrenOf(node: Json, path: string): StructuralSchema {
  const { properties, items, additionalProperties } = node;
  const fields = Object.entries((properties ?? {}) as Readonly<Record<string, Json>>);
  return {
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            fields.map(([name, field]) => [name, structural(field, `${path}.${name}`)]),
          ),
        }),
    ...(items === undefined ? {} : { items: structural(items as Json, `${path}[]`) }),
    // `false` (no further fields) goes without saying: the API server drops or refuses them.
    ...(typeof additionalProperties === "object" && additionalProperties !== null
      ? { additionalProperties: structural(additionalProperties as Json, `${path}.*`) }
      : {}),
  };
}

/** Without bounds the API server cannot tell what a CEL rule may cost, and refuses it. */
function requireBounds(schema: StructuralSchema, path: string): void {
  const missing = boundsOf(schema).filter((bound) => schema[bound] === undefined);
  if (missing.length > 0) throw new Error(`${path} has no bound: ${missing.join(", ")}`);
}

function boundsOf(schema: StructuralSchema): readonly (keyof StructuralSchema)[] {
  if (schema.type === "integer" || schema.type === "number") return ["minimum", "maximum"];
  if (schema.type === "array") return ["maxItems"];
  if (schema.additionalProperties !== undefined) return ["maxProperties"];
  return schema.type === "string" && schema.enum === undefined ? ["maxLength"] : [];
}
