import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { parse, parseDocument } from "yaml";
import { ChartValues } from "./chart-values.ts";
import { REPOSITORY } from "./generate.ts";

const text = await readFile(path.join(REPOSITORY, "charts/localmodel/values.yaml"), "utf8");

function missing(value: unknown, keys: readonly string[]): readonly string[] {
  return keys.filter((key) => !(key in (value as object)));
}

test("the chart's own values are allowed by its schema", () => {
  assert.deepEqual(ChartValues.safeParse(parse(text)).error?.issues, undefined);
});

test("the chart's values name every key there is", () => {
  const { operator, api, ...rest } = parse(text) as Record<string, unknown>;
  const top = Object.keys(ChartValues.shape).filter((key) => key !== "global");
  assert.deepEqual(missing({ operator, api, ...rest }, top), []);
  assert.deepEqual(missing(operator, Object.keys(ChartValues.shape.operator.shape)), []);
  assert.deepEqual(missing(api, Object.keys(ChartValues.shape.api.shape)), []);
});

const misspelt: readonly (readonly [where: string, key: readonly string[]])[] = [
  ["at the top", ["replicas"]],
  ["of the api", ["api", "replica"]],
  ["of the api's own settings", ["api", "config", "bodyMaxByte"]],
  ["of a setting that follows from other values", ["api", "config", "port"]],
  ["of the operator's own settings", ["operator", "config", "worker"]],
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
