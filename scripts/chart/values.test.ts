import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { parse, parseDocument } from "yaml";
import { REPOSITORY } from "../generate.ts";
import { jsonSchemaOf, type Node, parserOf } from "./value-tree.ts";
import { VALUES } from "./values.ts";

const ChartValues = parserOf(VALUES);

const text = await readFile(path.join(REPOSITORY, "charts/localmodel/values.yaml"), "utf8");

test("the chart's own values are allowed by its schema", () => {
  assert.deepEqual(ChartValues.safeParse(parse(text)).error?.issues, undefined);
});

test("each key of the chart's values says what it is for", () => {
  const unsaid = pathsOf("", VALUES).filter(([, node]) => !/^[A-Z`*].*\.$/.test(node.about));
  assert.deepEqual(
    unsaid.map(([where]) => where),
    [],
  );
});

test("no pattern needs what Go's regular expressions do not have", () => {
  const patterns = JSON.stringify(jsonSchemaOf(VALUES)).match(/"pattern":"(?:[^"\\]|\\.)*"/g) ?? [];
  assert.ok(patterns.length > 10);
  assert.deepEqual(
    patterns.filter((pattern) => /\(\?[=!<]/.test(pattern)),
    [],
  );
});

function mayBeLeftOut(...key: readonly string[]): boolean {
  const document = parseDocument(text);
  document.deleteIn(key);
  return ChartValues.safeParse(document.toJS()).success;
}

test("what is nothing anyway may be left out, and nothing else", () => {
  assert.ok(mayBeLeftOut("api", "nodeSelector"));
  assert.ok(mayBeLeftOut("imagePullSecrets"));
  assert.ok(!mayBeLeftOut("api", "replicas"));
  assert.ok(!mayBeLeftOut("api", "service"));
});

const misspelt: readonly (readonly [where: string, key: readonly string[]])[] = [
  ["at the top", ["replicas"]],
  ["of the api", ["api", "replica"]],
  ["of the api's own settings", ["api", "config", "bodyMaxByte"]],
  ["of a setting that follows from other values", ["api", "config", "port"]],
  ["of the operator's own settings", ["operator", "config", "worker"]],
  ["deep inside", ["admissionPolicy", "limits", "gpus"]],
];
for (const [where, key] of misspelt) {
  test(`a key ${where} that is not there is refused`, () => {
    const document = parseDocument(text);
    document.setIn(key, 2);
    const { error } = ChartValues.safeParse(document.toJS());
    assert.deepEqual(
      error?.issues.map(({ code }) => code),
      ["unrecognized_keys"],
    );
  });
}

function pathsOf(where: string, node: Node): readonly (readonly [string, Node])[] {
  if (node.is === "value") return [[where, node]];
  const members = Object.entries(node.members).flatMap(([name, member]) =>
    pathsOf(`${where}.${name}`, member),
  );
  return [[where, node], ...members];
}
