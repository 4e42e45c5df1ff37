/**
 * Fragments of YAML in the documentation, held to what they are fragments of: the chart's values, the spec of a LocalModel, that
 * of a class. A field that is renamed fails here, and not with whoever copies it.
 */
import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { LocalModelClassSpec } from "@localmodel/localmodel/resource/class-spec.ts";
import { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import { parse } from "yaml";
import { ajv } from "../support/ajv.ts";
import { programsOf, REPOSITORY } from "../support/documented-commands.ts";

type Fields = Readonly<Record<string, unknown>>;

/** In front of a fragment of a spec, which says nothing of weights. */
const SOURCE = { source: { http: { url: "https://models.example/model.gguf" } } };

const inChart = (file: string) => readFile(join(REPOSITORY, "charts/localmodel", file), "utf8");
const schema: unknown = JSON.parse(await inChart("values.schema.json"));
const defaults = parse(await inChart("values.yaml")) as Fields;
const areValues = ajv.compile(schema as object);
const pages = await Array.fromAsync(glob("docs/*.md", { cwd: REPOSITORY }));

const checks: readonly (readonly [what: string, of: RegExp, check: (fields: Fields) => void])[] = [
  [
    "values of the chart",
    /^(operator|modelServer|api|telemetry)$/,
    (fields) => assert.ok(areValues(over(defaults, fields)), JSON.stringify(areValues.errors)),
  ],
  [
    "a part of a LocalModel's spec",
    /^(source|cache|gpu|engine)$/,
    (fields) => void LocalModelSpec.parse({ ...SOURCE, ...fields }),
  ],
  [
    "a LocalModel's spec",
    /^spec$/,
    ({ spec }) => void LocalModelSpec.parse({ ...SOURCE, ...(spec as Fields) }),
  ],
  [
    "a part of a class's spec",
    /^podTemplatePatch$/,
    (fields) => void LocalModelClassSpec.parse(fields),
  ],
];
const seen = new Map<string, number>();

for (const page of pages.toSorted()) {
  for (const [index, text] of (await programsOf(page, "yaml")).entries()) {
    const fields = parse(text) as Fields;
    const [first = ""] = Object.keys(fields);
    const found = checks.find(([, of]) => of.test(first));
    if (found === undefined) continue;
    const [what, , check] = found;
    seen.set(what, (seen.get(what) ?? 0) + 1);
    test(`the YAML number ${index + 1} of ${page} is ${what}`, () => check(fields));
  }
}

test("there are fragments of each kind", () => {
  assert.deepEqual([...seen.keys()].toSorted(), checks.map(([what]) => what).toSorted());
});

/** As Helm lays values over a chart's. */
function over(base: Fields, fields: Fields): Fields {
  const laid = Object.entries(fields).map(([name, value]) => {
    const below = base[name];
    return [name, isFields(value) && isFields(below) ? over(below, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(laid) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
