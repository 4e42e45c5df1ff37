/** Every wall is shown a module that breaks it, and one that is as close as allowed. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { readHouse } from "./boundaries.ts";
import { type House, SOLE_IMPORTERS, violationsOf, type Workspace } from "./boundary-rules.ts";
import { factsOf } from "./module-facts.ts";

const DOC = "/** What it is for. */\n";

function workspace(folder: string, ...dependencies: string[]): Workspace {
  const name = `@localmodel/${folder.split("/")[1] ?? ""}`;
  return { folder, name, dependencies: new Set(dependencies) };
}

/** A house with two packages and two services in which only `source` at `path` can be wrong. */
function houseWith(path: string, source: string): House {
  return {
    workspaces: [
      workspace("packages/openai", "zod"),
      workspace("packages/weights", "@localmodel/openai"),
      workspace("services/api", "express", "@localmodel/openai"),
      workspace("packages/llama", "node-llama-cpp"),
      workspace("services/model-server"),
    ],
    rootDevDependencies: new Set(["fast-check"]),
    layers: {},
    keptExports: {},
    outside: [],
    modules: [
      { path: "packages/openai/used.ts", source: `${DOC}import { z } from "zod";` },
      { path: "packages/weights/used.ts", source: `${DOC}import "@localmodel/openai/errors.ts";` },
      {
        path: "services/api/used.ts",
        source: `${DOC}import express from "express";\nimport "@localmodel/openai/errors.ts";`,
      },
      {
        path: "packages/llama/used.ts",
        source: `${DOC}import { getLlama } from "node-llama-cpp";`,
      },
      { path, source },
    ],
  };
}

function found(path: string, source: string): readonly string[] {
  return violationsOf(houseWith(path, DOC + source)).map(
    (violation) => `${violation.path}:${violation.line}: ${violation.message}`,
  );
}

const broken: { name: string; path: string; source: string; line?: number; message: RegExp }[] = [
  {
    name: "a service that imports another by name",
    path: "services/api/a.ts",
    source: 'import { engine } from "@localmodel/model-server/engine/contract.ts";',
    message: /services never import each other/,
  },
  {
    name: "a service that imports another's type",
    path: "services/api/a.ts",
    source: 'import type { Engine } from "@localmodel/model-server/engine/contract.ts";',
    message: /services never import each other/,
  },
  {
    name: "a service that reaches another by path",
    path: "services/api/a.ts",
    source: 'export * from "../model-server/engine.ts";',
    message: /services never share code/,
  },
  {
    name: "a test that reaches another service",
    path: "services/api/a.test.ts",
    source: 'import { engine } from "../model-server/engine.ts";',
    message: /services never share code/,
  },
  {
    name: "a package that imports a service",
    path: "packages/weights/a.ts",
    source: 'import "@localmodel/api/app.ts";',
    message: /packages never import services/,
  },
  {
    name: "a package that imports a service lazily, in a type",
    path: "packages/weights/a.ts",
    source: 'type App = import("@localmodel/api/app.ts").App;',
    message: /packages never import services/,
  },
  {
    name: "a dependency nobody declared",
    path: "services/api/a.ts",
    source: '\n\nimport { z } from "zod";',
    line: 4,
    message: /zod, which services\/api\/package.json does not declare/,
  },
  {
    name: "a dependency of the tests outside a test",
    path: "services/api/a.ts",
    source: 'import fc from "fast-check";',
    message: /does not declare/,
  },
  {
    name: "a package reached by path instead of by name",
    path: "services/api/a.ts",
    source: 'import { z } from "../../packages/openai/errors.ts";',
    message: /import "@localmodel\/openai/,
  },
  {
    name: "a file outside every workspace",
    path: "services/api/a.ts",
    source: 'import "../../scripts/boundaries.ts";',
    message: /outside services\/api/,
  },
  {
    name: "a second file that imports the engine library",
    path: "services/model-server/a.ts",
    source: 'import type { LlamaModel } from "node-llama-cpp";',
    message: /node-llama-cpp, which only packages\/llama\/ may/,
  },
  {
    name: "a service that goes around the controller runtime",
    path: "services/api/a.ts",
    source: 'import type { V1Pod } from "@kubernetes/client-node";',
    message: /client-node, which only packages\/kube\/ may/,
  },
  {
    name: "a pure package that touches the machine",
    path: "packages/openai/a.ts",
    source: 'import { readFile } from "node:fs/promises";',
    message: /packages\/openai only computes/,
  },
  {
    name: "a Node module without its prefix",
    path: "services/api/a.ts",
    source: 'import { readFile } from "fs/promises";',
    message: /write "node:fs\/promises"/,
  },
  {
    name: "a computed import",
    path: "services/api/a.ts",
    source: "await import(`./${name}.ts`);",
    message: /computed path/,
  },
  {
    name: "an import inside an expression inside a template",
    path: "services/api/a.ts",
    source: 'const x = `a ${{ y: await import("zod") }} b`;',
    message: /zod, which/,
  },
  {
    name: "a default export",
    path: "services/api/a.ts",
    source: "export default function app() {}",
    message: /default export/,
  },
  {
    name: "a default export by another name",
    path: "services/api/a.ts",
    source: "const app = 1;\nexport { app as default };",
    line: 3,
    message: /default export/,
  },
];

for (const { name, path, source, line = 2, message } of broken) {
  test(`the boundaries catch ${name}`, () => {
    const violations = found(path, source);
    assert.equal(violations.length, 1, violations.join("\n"));
    assert.ok(violations[0]?.startsWith(`${path}:${line}: `), violations[0]);
    assert.match(violations[0] ?? "", message);
  });
}

const allowed: { name: string; path: string; source: string }[] = [
  {
    name: "a declared package, by name",
    path: "services/api/a.ts",
    source: 'import { errors } from "@localmodel/openai/errors.ts";',
  },
  {
    name: "a test's own tools and support",
    path: "services/api/a.test.ts",
    source: 'import fc from "fast-check";\nimport "../../test/support/gguf.ts";',
  },
  {
    name: "a fixture that uses what tests share",
    path: "services/api/fixtures/a.ts",
    source: 'import "../../../test/support/gguf.ts";',
  },
  {
    name: "a pure package's test that reads a file",
    path: "packages/openai/a.test.ts",
    source: 'import { readFile } from "node:fs/promises";',
  },
  {
    name: "a pure Node module in a pure package",
    path: "packages/openai/a.ts",
    source: 'import { randomUUID } from "node:crypto";',
  },
  {
    name: "a comment, a string and a pattern that speak of imports",
    path: "services/api/a.ts",
    source: [
      '// import "zod"',
      '/* export default */ const quote = /["\'`/]/; // from "zod"',
      'const text = \'import "zod" from "zod"\' + `export default import("zod")`;',
      "const half = total / 2 / 3; const range = { from: 'zod', default: 1 };",
      "switch (half) { default: Array.from('zod'); }",
    ].join("\n"),
  },
  {
    name: "importing somebody else's default",
    path: "services/api/a.ts",
    source: 'import { default as express } from "express";',
  },
];

for (const { name, path, source } of allowed) {
  test(`the boundaries allow ${name}`, () => {
    assert.deepEqual(found(path, source), []);
  });
}

test("the boundaries catch a module without a doc comment", () => {
  const [violation] = violationsOf(houseWith("services/api/a.ts", "// Just a remark.\n"));
  assert.match(violation?.message ?? "", /doc comment/);
});

test("the boundaries catch a package that declares a service, or something it does not use", () => {
  const house = houseWith("packages/openai/a.ts", DOC);
  const weights = workspace("packages/weights", "@localmodel/api", "undici", "@localmodel/openai");
  const workspaces = house.workspaces.map((one) => (one.folder === weights.folder ? weights : one));
  const messages = violationsOf({ ...house, workspaces }).map(({ message }) => message);
  assert.equal(messages.length, 2);
  assert.match(messages[0] ?? "", /@localmodel\/api, a service/);
  assert.match(messages[1] ?? "", /undici, which nothing here imports/);
});

/** What the floors `lines`, lowest first, say of a service with `modules`. */
function foundOnFloors(lines: readonly string[], modules: Readonly<Record<string, string>>) {
  const house = houseWith("services/api/other.ts", DOC);
  const ours = Object.entries(modules).map(([path, source]) => ({
    path: `services/api/${path}`,
    source: DOC + source,
  }));
  const layers = { "services/api": lines };
  return violationsOf({ ...house, layers, modules: [...house.modules, ...ours] }).map(
    ({ path, line, message }) => `${path}:${line}: ${message}`,
  );
}

const DOWN = 'import type { A } from "../a/a.ts";';
const UP = 'import type { B } from "../b/b.ts";';

const brokenFloors: {
  name: string;
  floors: string[];
  modules: Record<string, string>;
  messages: RegExp[];
}[] = [
  {
    name: "a folder that imports a type from a higher one",
    floors: ["a/", "b/"],
    modules: { "a/a.ts": UP, "b/b.ts": "" },
    messages: [/api\/a\/a.ts:2: imports b\/b.ts .* not below a\//],
  },
  {
    name: "two folders that import each other",
    floors: ["a/ b/"],
    modules: { "a/a.ts": UP, "b/b.ts": DOWN },
    messages: [/a\/a.ts:2: imports b\//, /b\/b.ts:2: imports a\//],
  },
  {
    name: "a folder that imports a file at the root that no floor names",
    floors: ["a/"],
    modules: { "a/a.ts": 'export * from "../used.ts";' },
    messages: [/a\/a.ts:2: imports used.ts/],
  },
  {
    name: "a folder that imports a file at the root on the same floor as the dot, or above",
    floors: ["a/ .", "c/"],
    modules: { "a/a.ts": 'import "../used.ts";', "top.ts": 'import "./c/c.ts";', "c/c.ts": "" },
    messages: [/a\/a.ts:2: imports used.ts/, /top.ts:2: imports c\/c.ts/],
  },
  {
    name: "a file on a floor that imports what is above it",
    floors: ["leaf.ts", "a/"],
    modules: { "a/a.ts": "", "leaf.ts": 'import "./a/a.ts";' },
    messages: [/leaf.ts:2: imports a\//],
  },
  {
    name: "a folder without a floor, and a floor without a folder",
    floors: ["b/"],
    modules: { "a/a.ts": "" },
    messages: [/api\/a\/ has no floor/, /names services\/api\/b\//],
  },
];

for (const { name, floors, modules, messages } of brokenFloors) {
  test(`the floors catch ${name}`, () => {
    const violations = foundOnFloors(floors, modules);
    assert.equal(violations.length, messages.length, violations.join("\n"));
    for (const [index, message] of messages.entries()) {
      assert.match(violations[index] ?? "", message);
    }
  });
}

test("the floors allow what goes down, what is in one folder, and what tests look at", () => {
  const violations = foundOnFloors(["leaf.ts a/", "b/"], {
    "leaf.ts": "",
    "a/a.ts": 'import "./deep/a.ts";',
    "a/deep/a.ts": 'import "../a.ts";',
    "a/a.test.ts": 'import "../b/b.ts";',
    "a/fixtures/a.ts": 'import "../../b/b.ts";',
    "b/b.ts": 'import "../a/deep/a.ts";\nimport "../leaf.ts";',
    "top.ts": 'import "./b/b.ts";\nimport "./used.ts";',
  });
  assert.deepEqual(violations, []);
});

test("the floors allow a folder above the dot to import files at the root, and those each other", () => {
  const violations = foundOnFloors(["a/", ".", "b/"], {
    "a/a.ts": "",
    "one.ts": 'import "./a/a.ts";\nimport "./two.ts";',
    "two.ts": "",
    "b/b.ts": 'import "../one.ts";\nimport "../a/a.ts";',
  });
  assert.deepEqual(violations, []);
});

type Exporting = {
  readonly name: string;
  readonly modules: Readonly<Record<string, string>>;
  readonly kept?: Readonly<Record<string, string>>;
};

const isInside = ({ path }: { readonly path: string }) => /^(packages|services)\//.test(path);

/** What the rule about exports says of `modules`, which may lie outside of the workspaces too. */
function foundExports({ modules, kept = {} }: Omit<Exporting, "name">): readonly string[] {
  const house = houseWith("services/api/other.ts", DOC);
  const ours = Object.entries(modules).map(([path, source]) => ({ path, source: DOC + source }));
  return violationsOf({
    ...house,
    modules: [...house.modules, ...ours.filter(isInside)],
    outside: ours.filter((one) => !isInside(one)),
    keptExports: kept,
  }).map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

const A = "packages/openai/a/a.ts";
const ONE = "export const one = 1;";
const TAKES_ONE = 'import { one } from "./a.ts";';
/** The same, by production, so that the module itself is in use. */
const USES_ONE = 'import { one } from "@localmodel/openai/a/a.ts";';

const dead: (Exporting & { readonly message: RegExp })[] = [
  {
    name: "an export that nobody imports and nobody uses",
    modules: { [A]: "export function one() { return 1; }" },
    message: /a\/a.ts:2: exports one, which no other module imports: remove it/,
  },
  {
    name: "an export that only its own module uses",
    modules: { [A]: `${ONE}\nconsole.log(one);` },
    message: /a\/a.ts:2: exports one, .*: do not export it/,
  },
  {
    name: "a type that nobody imports",
    modules: { [A]: `export type One = 1;\n${ONE}`, "services/api/b.ts": USES_ONE },
    message: /a\/a.ts:2: exports One, .*: remove it/,
  },
  {
    name: "an export that is only passed on",
    modules: { [A]: ONE, "packages/openai/a/b.ts": 'export { one } from "./a.ts";' },
    message: /a\/b.ts:2: exports one, which no other module imports: remove it/,
  },
  {
    name: "an export of which others import only a namesake",
    modules: { [A]: ONE, "packages/openai/b/a.ts": ONE, "packages/openai/b/b.ts": TAKES_ONE },
    message: /openai\/a\/a.ts:2: exports one/,
  },
  {
    name: "an export that only a test beside it uses",
    modules: { [A]: ONE, "packages/openai/a/a.test.ts": TAKES_ONE },
    message: /which only tests use: move it to them/,
  },
  {
    name: "a part that its module uses, which a test in another folder looks at",
    modules: {
      [A]: `${ONE}\nconsole.log(one);`,
      "packages/openai/b/b.test.ts": 'import { one } from "../a/a.ts";',
    },
    message: /only tests in another folder use/,
  },
  {
    name: "a module that only test/ uses",
    modules: { [A]: ONE, "test/a.ts": 'import { one } from "../packages/openai/a/a.ts";' },
    message: /which only tests use/,
  },
  {
    name: "an export that is kept without need",
    modules: { [A]: ONE, "services/api/b.ts": USES_ONE },
    kept: { [A]: "*" },
    message: /kept-exports.ts:1: keeps \* of .*a\/a.ts, which need not be kept/,
  },
  {
    name: "an export that is kept and not there",
    modules: { [A]: ONE },
    kept: { [A]: "one two" },
    message: /kept-exports.ts:1: keeps two of/,
  },
];

for (const { name, message, ...exporting } of dead) {
  test(`the exports catch ${name}`, () => {
    const violations = foundExports(exporting);
    assert.equal(violations.length, 1, violations.join("\n"));
    assert.match(violations[0] ?? "", message);
  });
}

const alive: Exporting[] = [
  { name: "what another package imports", modules: { [A]: ONE, "services/api/b.ts": USES_ONE } },
  {
    name: "what another module passes on, where somebody imports it",
    modules: {
      [A]: ONE,
      "packages/openai/a/b.ts": 'export { one } from "./a.ts";',
      "services/api/b.ts": 'import { one } from "@localmodel/openai/a/b.ts";',
    },
  },
  {
    name: "everything of a module that is imported while the program runs",
    modules: { [A]: ONE, "services/api/b.ts": 'await import("@localmodel/openai/a/a.ts");' },
  },
  {
    name: "what a script imports that writes generated files",
    modules: { [A]: ONE, "scripts/a.ts": 'import { one } from "../packages/openai/a/a.ts";' },
  },
  {
    name: "a part that its module uses and a test beside it looks at",
    modules: { [A]: `${ONE}\nconsole.log(one);`, "packages/openai/a/a.test.ts": TAKES_ONE },
  },
  {
    name: "what bench/ imports of a module that production uses",
    modules: {
      [A]: `${ONE}\nexport const two = 2;`,
      "services/api/b.ts": USES_ONE,
      "bench/a.ts": 'import { two } from "@localmodel/openai/a/a.ts";',
    },
  },
  { name: "what is kept", modules: { [A]: ONE }, kept: { [A]: "one" } },
  { name: "the exports of tests and fixtures", modules: { "services/api/fixtures/a.ts": ONE } },
];

for (const { name, ...exporting } of alive) {
  test(`the exports allow ${name}`, () => {
    assert.deepEqual(foundExports(exporting), []);
  });
}

test("this repository's modules are read, and its sole importers exist", async () => {
  const { modules, workspaces } = await readHouse(resolve(import.meta.dirname, ".."));
  assert.ok(workspaces.length > 5 && modules.length > 50);
  for (const [name, folder] of Object.entries(SOLE_IMPORTERS)) {
    const inside = modules.filter(({ path }) => path.startsWith(folder));
    const specifiers = inside.flatMap(({ path, source }) => factsOf(path, source).imports);
    const imported = specifiers.some(({ specifier }) => specifier === name);
    assert.ok(imported, `${folder} does not import ${name}: move the wall`);
  }
});
