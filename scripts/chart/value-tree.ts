/**
 * Values of a Helm chart, each said once: what it may be, what it is unless somebody says otherwise, and what it
 * is for.
 *
 * values.yaml, values.schema.json and the page of docs/reference are three ways of writing this tree down. Every
 * key of a group is required and none other is allowed: values.yaml fills them in, so that a key can only be
 * missing when somebody has erased it, with null, as charts of charts do. What is nothing anyway may be erased; templates
 * meet nothing else that is not there.
 */
import { z } from "zod";

type Value = {
  readonly is: "value";
  readonly about: string;
  readonly schema: z.ZodType;
  /** Undefined for a key that is not in values.yaml. */
  readonly byDefault: unknown;
};

export type Group = {
  readonly is: "group";
  readonly about: string;
  readonly members: Readonly<Record<string, Node>>;
};

export type Node = Value | Group;

export function value(about: string, schema: z.ZodType, byDefault: unknown): Value {
  const is = { is: "value", about, schema, byDefault } as const;
  // Helm hands on nothing for what is null.
  return isNothing(byDefault) ? { ...is, schema: schema.optional() } : is;
}

export function isNothing(byDefault: unknown): boolean {
  if (byDefault === "" || byDefault === null) return true;
  return typeof byDefault === "object" && Object.keys(byDefault).length === 0;
}

export function group(about: string, members: Readonly<Record<string, Node>>): Group {
  return { is: "group", about, members };
}

/** A value that may be left out, or be null, which is how Helm erases one. */
export function erasable(node: Value): Value {
  return { ...node, schema: node.schema.nullish() };
}

export function parserOf(node: Node): z.ZodType {
  if (node.is === "value") return node.schema;
  return z.strictObject(mapMembers(node, parserOf));
}

export function defaultsOf(node: Node): unknown {
  if (node.is === "value") return node.byDefault;
  return Object.fromEntries(
    Object.entries(mapMembers(node, defaultsOf)).filter(([, member]) => member !== undefined),
  );
}

export function jsonSchemaOf(node: Node): object {
  if (node.is === "value") {
    const { $schema: _, ...schema } = z.toJSONSchema(node.schema, {
      io: "input",
      target: "draft-7",
    });
    return { description: node.about, ...schema };
  }
  const required = Object.entries(node.members).filter(
    ([, member]) => member.is === "group" || !member.schema.isOptional(),
  );
  return {
    description: node.about,
    type: "object",
    additionalProperties: false,
    required: required.map(([name]) => name),
    properties: mapMembers(node, jsonSchemaOf),
  };
}

function mapMembers<Result>(
  { members }: Group,
  map: (node: Node) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(members).map(([name, node]) => [name, map(node)]));
}
