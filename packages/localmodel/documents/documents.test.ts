import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDocuments } from "./documents.ts";
import { formatProblem } from "./problem.ts";

const good = (name: string) => `apiVersion: localmodel.dev/v1alpha1
kind: LocalModel
metadata:
  name: ${name}
spec:
  source:
    file:
      path: a.gguf
`;

function read(yaml: string) {
  const { models, problems, skipped } = parseDocuments(yaml, "m.yaml");
  return {
    names: models.map((it) => `${it.key}:${it.line}`),
    problems: problems.map(formatProblem),
    skipped: skipped.map((it) => `${it.kind}:${it.line}`),
  };
}

test("parseDocuments reads several documents and says where each begins", () => {
  assert.deepEqual(read(`# two\n---\n${good("a")}---\n\n${good("b")}`), {
    names: ["default/a:3", "default/b:13"],
    problems: [],
    skipped: [],
  });
});

test("parseDocuments skips empty documents and documents of other kinds", () => {
  const yaml = `---\n---\n# nothing\n---\napiVersion: v1\nkind: Secret\n---\n${good("a")}---\n- list\n`;
  assert.deepEqual(read(yaml), {
    names: ["default/a:8"],
    problems: [],
    skipped: ["Secret:5", ":17"],
  });
});

test("parseDocuments keeps the good documents around a bad one and around broken YAML", () => {
  const { names, problems } = read(
    `${good("a")}---\n${good("B!")}---\n${good("c")}---\nkey: [1\n---\n${good("d")}`,
  );
  assert.deepEqual(names, ["default/a:1", "default/c:19", "default/d:30"]);
  assert.match(problems[0] ?? "", /^m\.yaml:13:9: metadata\.name: must be .*; found "B!"$/);
  assert.match(problems[1] ?? "", /^m\.yaml:2\d:\d+: is not valid YAML: /);
});

test("parseDocuments reads the items of a List, as kubectl get prints them", () => {
  const item = good("a").replaceAll("\n", "\n  ").trimEnd();
  const yaml = `apiVersion: v1\nkind: List\nitems:\n- ${item}\n- ${item.replace("path: a.gguf", "pth: a.gguf")}\n`;
  const { names, problems } = read(yaml);
  assert.deepEqual(names, ["default/a:4"]);
  assert.deepEqual(problems, [
    "m.yaml:18:7: items[1].spec.source.file.path: is missing; must be text",
    "m.yaml:19:9: items[1].spec.source.file.pth: is not a field that exists here; did you mean path?",
  ]);
});

test("parseDocuments reads JSON with tabs, a byte order mark, and Windows line ends", () => {
  const json =
    '{\n\t"apiVersion": "localmodel.dev/v1alpha1",\n\t"kind": "LocalModel",\n\t"metadata": {"name": "a"},\n\t"spec": {\n\t\t"source": {"file": {"path": "a"}}}}';
  assert.deepEqual(read(json).names, ["default/a:1"]);
  assert.deepEqual(read(`\ufeff${good("a").replaceAll("\n", "\r\n")}`).names, ["default/a:1"]);
});

test("parseDocuments follows anchors and merge keys, as kubectl does", () => {
  const yaml = `${good("a")}  engine: &engine { slots: 1 }\n  sampling: {}\n`;
  assert.deepEqual(read(yaml).names, ["default/a:1"]);
  const merged = good("a").replace("file:", "<<: { file: { path: b } }\n    file:");
  assert.deepEqual(read(merged).problems, []);
});

test("parseDocuments takes a key with nothing after it for an absent one", () => {
  assert.deepEqual(read(`${good("a")}  resources:\n    # requests: { cpu: 2 }\n`).problems, []);
  assert.match(read(`${good("a")}  replicsa:\n`).problems.join(), /did you mean replicas/);
  assert.deepEqual(read(good("a").replace(/source:[^]*/, "source:\n")).problems, [
    "m.yaml:6:3: spec.source: is missing; must be a map",
  ]);
});

const inSpec: Record<string, [line: string, problem: string]> = {
  "a misspelt field": [
    "replicsa: 1",
    "m.yaml:9:3: spec.replicsa: is not a field that exists here; did you mean replicas?",
  ],
  "a field in the wrong place": [
    "contextTokens: 1",
    "m.yaml:9:3: spec.contextTokens: is not a field that exists here; did you mean spec.engine.contextTokens?",
  ],
  "a field like no other": [
    "gpu: { flavour: x }",
    "m.yaml:9:10: spec.gpu.flavour: is not a field that exists here; allowed are count, resourceName, memory, products, requirement, resourceClaimTemplateName",
  ],
  "a number out of range": [
    "engine: { slots: 0 }",
    "m.yaml:9:20: spec.engine.slots: must be at least 1; found 0",
  ],
  "a fraction": ["replicas: 1.5", "m.yaml:9:13: spec.replicas: must be a whole number; found 1.5"],
  "text in place of a number": [
    "replicas: two",
    'm.yaml:9:13: spec.replicas: must be a number; found "two"',
  ],
  "a number in place of text": [
    "modelId: 3.10",
    "m.yaml:9:12: spec.modelId: must be text; found 3.1 (write it in quotes)",
  ],
  "a list in place of a map": [
    "engine: []",
    "m.yaml:9:3: spec.engine: must be a map; found a list",
  ],
  "a word that is not a choice": [
    "engine: { kvCacheType: q8 }",
    'm.yaml:9:26: spec.engine.kvCacheType: must be one of "f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"; found "q8"',
  ],
  "a choice that is almost right": [
    "tolerations: [{ operator: Exist }]",
    'm.yaml:9:29: spec.tolerations[0].operator: must be one of "Equal", "Exists"; found "Exist"; did you mean Exists?',
  ],
  "too much of something": [
    `modelId: ${"a".repeat(257)}`,
    "m.yaml:9:12: spec.modelId: must have at most 256 characters; found 257",
  ],
  "a rule between fields": [
    "cache: {}",
    "m.yaml:9:3: spec.cache: must set exactly one of claimName and claimTemplate",
  ],
  "a key that must be quoted in a path": [
    "nodeSelector: { a/b: c d }",
    'm.yaml:9:24: spec.nodeSelector["a/b"]: must be a label value: letters, digits, "-", "_" and ".", starting and ending with a letter or digit; found "c d"',
  ],
};

for (const [name, [line, problem]] of Object.entries(inSpec)) {
  test(`parseDocuments points at ${name} and says what is allowed`, () => {
    assert.deepEqual(read(`${good("a")}  ${line}\n`).problems, [problem]);
  });
}

test("parseDocuments points at a repeated key", () => {
  assert.deepEqual(read(`${good("a")}  replicas: 1\n  replicas: 2\n`).problems, [
    'm.yaml:10:3: must not repeat the key "replicas" in one map',
  ]);
});

test("parseDocuments skips classes of models, which only a cluster has", () => {
  const yaml = "apiVersion: localmodel.dev/v1alpha1\nkind: LocalModelClass\nmetadata: {name: a}\n";
  const { models, problems, skipped } = parseDocuments(yaml, "m.yaml");
  assert.deepEqual([models, problems], [[], []]);
  assert.deepEqual(
    skipped.map(({ kind }) => kind),
    ["LocalModelClass"],
  );
});

test("parseDocuments calls a slip in kind or group an error, not another kind", () => {
  assert.match(
    read(good("a").replace("LocalModel", "LocalModle")).problems.join(),
    /kind: must be/,
  );
  assert.match(read(good("a").replace("v1alpha1", "v1")).problems.join(), /apiVersion: must be/);
  assert.match(read("kind: localmodel\n").problems.join(), /apiVersion: is missing/);
});

test("parseDocuments does not print the password of a URL", () => {
  const yaml = good("a").replace(/file:[^]*/, "http: { url: 'https://me:hunter2@host/x' }\n");
  const { problems } = read(yaml);
  assert.equal(problems.length, 1);
  assert.doesNotMatch(problems.join(), /hunter2/);
});

test("parseDocuments shows at most twenty problems of one document", () => {
  const unknown = Array.from({ length: 50 }, (_, index) => `  field${index}: 1\n`).join("");
  assert.equal(read(good("a") + unknown).problems.length, 20);
});

test("parseDocuments reports YAML that only fails when its values are made", () => {
  assert.match(
    read(`${good("a")}  engine: *nothing\n`).problems.join(),
    /not valid YAML: Unresolved/,
  );
  assert.match(read(`${good("a")}  <<: 1\n`).problems.join(), /not valid YAML: Merge sources/);
});

const bombs: Record<string, [yaml: string, message: RegExp]> = {
  "aliases that multiply": [
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
      .concat(Array.from("bcdefghij", (name, index) => `${name}: &${name} [${multiply(index)}]`))
      .join("\n"),
    /at most 100 YAML aliases/,
  ],
  "an anchor that contains itself": [
    "kind: LocalModel\nspec: &a { source: *a }",
    /nested hundreds of levels/,
  ],
  "lists in lists in lists": ["[".repeat(10_000) + "]".repeat(10_000), /nested hundreds of levels/],
  "maps in maps in maps": ["{a: ".repeat(10_000) + "}".repeat(10_000), /nested hundreds of levels/],
  "more documents than a person writes": ["---\na: 1\n".repeat(1001), /at most 1000 documents/],
};

function multiply(index: number): string {
  return Array.from({ length: 9 }, () => `*${"abcdefghij"[index]}`).join(", ");
}

for (const [name, [yaml, message]] of Object.entries(bombs)) {
  test(`parseDocuments refuses ${name}`, () => {
    assert.match(read(yaml).problems.join("\n"), message);
  });
}

test("parseDocuments reads a hundred thousand keys in linear time", () => {
  const keys = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1\n`).join("");
  assert.equal(read(`${keys}k5: 2\n`).problems.length, 1);
});

test("parseDocuments never throws, whatever the text", () => {
  const marks =
    ": |\n|  |- |&a |*a |<<: |{|}|[|]|\"|'|> |? |---\n|...\n|%YAML 1.1\n|!!map |!x |\t|#".split(
      "|",
    );
  const piece = fc.constantFrom("a", "|", "\u0000", "\ud800", good("a"), ...marks);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      parseDocuments(pieces.join(""), "m.yaml");
      parseDocuments(good("a") + pieces.join(""), "m.yaml");
    }),
    { numRuns: 1000 },
  );
});

test("parseDocuments judges any object of our kind without throwing, at a line of the text", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const text = JSON.stringify({ ...value, kind: "LocalModel" }, undefined, 2);
      for (const { line } of parseDocuments(text, "m.json").problems) {
        assert.ok(line !== undefined && line >= 1 && line <= text.split("\n").length);
      }
    }),
  );
});
