import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { customResourceDefinition } from "../cluster/crd.ts";
import { LocalModelSpec } from "./localmodel.ts";
import { LocalModelStatus } from "./status-spec.ts";
import { type StructuralSchema, structuralSchema } from "./structural.ts";

const refused: Record<string, [schema: z.ZodType, message: RegExp]> = {
  "a union": [z.object({ a: z.union([z.boolean(), z.literal("x")]) }), /\.a .*anyOf/],
  "a null": [z.object({ a: z.boolean().nullable() }), /\.a .*(nullable|anyOf)/],
  "text without a length": [z.object({ a: z.string() }), /\.a has no bound: maxLength/],
  "a list without a length": [z.object({ a: z.array(z.boolean()) }), /\.a has no bound: maxItems/],
  "a map without a size": [
    z.object({ a: z.record(z.string(), z.boolean()) }),
    /\.a has no bound: maxProperties/,
  ],
  "a number without a range": [z.object({ a: z.number() }), /\.a has no bound: minimum, maximum/],
};

for (const [name, [schema, message]] of Object.entries(refused)) {
  test(`structuralSchema refuses ${name}`, () => {
    assert.throws(() => structuralSchema(schema), message);
  });
}

function* nodesOf(schema: StructuralSchema, path: string): Generator<[string, StructuralSchema]> {
  yield [path, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    yield* nodesOf(field, `${path}.${name}`);
  }
  if (schema.items !== undefined) yield* nodesOf(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) {
    yield* nodesOf(schema.additionalProperties, `${path}.*`);
  }
}

const nodes = [
  ...nodesOf(structuralSchema(LocalModelSpec), "spec"),
  ...nodesOf(structuralSchema(LocalModelStatus), "status"),
];

test("every field of the resource is described", () => {
  const undescribed = nodes.filter(
    ([path, node]) => path.includes(".") && /\w$/.test(path) && node.description === undefined,
  );
  assert.deepEqual(
    undescribed.map(([path]) => path),
    [],
  );
});

test("no pattern uses what the API server's RE2 does not know", () => {
  const patterns = nodes.flatMap(([, node]) => node.pattern ?? []);
  assert.ok(patterns.length > 0);
  assert.deepEqual(
    patterns.filter((it) => /\(\?[=!<]|\\[1-9]/.test(it)),
    [],
  );
});

test("every list says how the API server should merge it", () => {
  const lists = nodes.filter(([, node]) => node.type === "array");
  const silent = lists.filter(([, node]) => !("x-kubernetes-list-type" in node));
  assert.deepEqual(
    silent.map(([path]) => path),
    [],
  );
});

test("the CRD has status and scale subresources, the latter with a selector for autoscalers", () => {
  const [version] = customResourceDefinition().spec.versions;
  assert.deepEqual(version?.subresources, {
    status: {},
    scale: {
      specReplicasPath: ".spec.replicas",
      statusReplicasPath: ".status.replicas",
      labelSelectorPath: ".status.selector",
    },
  });
});
