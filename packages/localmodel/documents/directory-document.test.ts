import assert from "node:assert/strict";
import { test } from "node:test";
import { readDirectory } from "./directory-document.ts";
import { formatProblem } from "./problem.ts";

const URL = "http://model-server:8080";

function problemsOf(text: string): readonly string[] {
  const read = readDirectory(text, "models.yaml");
  return "problems" in read ? read.problems.map(formatProblem) : [];
}

test("a model needs an id and a server; all else has the defaults of a model server", () => {
  assert.deepEqual(readDirectory(`models: [{ id: chat, endpoints: ["${URL}"] }]`, "models.yaml"), {
    value: {
      models: [
        {
          id: "chat",
          aliases: [],
          createdSeconds: 0,
          slots: 4,
          state: "ready",
          message: "its servers are listed in a file",
          stay: "always",
          endpoints: [URL],
        },
      ],
    },
  });
});

test("a server that is listed twice, or with a slash at its end, is one server", () => {
  const endpoints = [URL, `${URL}/`, "https://[::1]:8443", "http://other"];
  const read = readDirectory(JSON.stringify({ models: [{ id: "chat", endpoints }] }), "m.json");
  assert.ok("value" in read);
  assert.deepEqual(read.value.models[0]?.endpoints, [URL, "https://[::1]:8443", "http://other"]);
});

test("a list without models is valid: nothing is served", () => {
  assert.deepEqual(readDirectory("models: []", "models.yaml"), { value: { models: [] } });
});

const MISTAKES = [
  ["", "models.yaml: must be one YAML or JSON document; found 0"],
  [
    "models:\n  - id: chat\n    endpoints: []",
    "models.yaml:3:5: models[0].endpoints: must have at least 1 item; found 0",
  ],
  [
    `models:\n  - id: chat\n    endpoint: ["${URL}"]`,
    "models.yaml:3:5: models[0].endpoint: is not a field that exists here; did you mean endpoints?",
  ],
  [
    `models:\n  - id: chat\n    slots: 0\n    endpoints: ["${URL}"]`,
    "models.yaml:3:12: models[0].slots: must be at least 1; found 0",
  ],
  [
    `models:\n  - { id: a, endpoints: ["${URL}"] }\n  - { id: b, aliases: [c, a], endpoints: ["${URL}"] }`,
    "models.yaml:3:27: models[1].aliases[1]: must be unique; models[0] answers to it",
  ],
] as const;

for (const [text, problem] of MISTAKES) {
  test(`a mistake is told with its place: ${problem}`, () => {
    assert.ok(problemsOf(text).includes(problem), problemsOf(text).join("\n"));
  });
}

for (const url of ["model-server:8080", `${URL}/v1`, "http://me:secret@host", "ftp://host", 8080]) {
  test(`${url} is not the base URL of a server`, () => {
    const [problem = ""] = problemsOf(JSON.stringify({ models: [{ id: "a", endpoints: [url] }] }));
    assert.match(problem, /models\[0\]\.endpoints\[0\]: must be a base URL such as/);
    assert.ok(!problem.includes("secret"));
  });
}
