import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "./problem.ts";
import { readApiKeys } from "./read-api-keys.ts";

const HASH = "0123456789abcdef".repeat(4);

function problemsOf(text: string): string[] {
  const read = readApiKeys(text, "keys.yaml");
  return "problems" in read ? read.problems.map(formatProblem) : [];
}

test("a key needs a name and a hash; all else has a default or no limit", () => {
  assert.deepEqual(readApiKeys(`keys: [{ name: alice, sha256: ${HASH} }]`, "keys.yaml"), {
    value: [{ name: "alice", sha256: HASH, models: ["*"], admin: false }],
  });
});

test("every field is read, from JSON as well, and hashes in capitals are the same hashes", () => {
  const key = {
    name: "team-a.ci@example",
    sha256: HASH.toUpperCase(),
    models: ["org/*"],
    requestsPerMinute: 60,
    tokensPerMinute: 100_000,
    concurrency: 4,
    expires: "2027-01-31",
    admin: true,
  };
  assert.deepEqual(readApiKeys(JSON.stringify({ keys: [key] }), "keys.json"), {
    value: [{ ...key, sha256: HASH }],
  });
});

test("a list without keys is valid: nobody gets in", () => {
  assert.deepEqual(readApiKeys("keys: []", "keys.yaml"), { value: [] });
});

const MISTAKES = [
  ["", "keys.yaml: must be one YAML or JSON document; found 0"],
  ["keys: 1", "keys.yaml:1:7: keys: must be a list; found 1"],
  ["key: []", "keys.yaml:1:1: keys: is missing; must be a list"],
  [
    `keys:\n  - name: al ice\n    sha256: ${HASH}`,
    "keys.yaml:2:11: keys[0].name: must be 1 to 64 letters, digits, and . _ @ - inside",
  ],
  [
    `keys:\n  - name: alice\n    sha256: ${HASH}\n    requestPerMinute: 3`,
    "keys.yaml:4:5: keys[0].requestPerMinute: is not a field that exists here; did you mean requestsPerMinute?",
  ],
  [
    `keys:\n  - name: alice\n    sha256: ${HASH}\n    expires: tomorrow`,
    "keys.yaml:4:14: keys[0].expires: must be a time such as 2027-01-31T00:00:00Z, or a date",
  ],
  [
    `keys:\n  - { name: a, sha256: ${HASH} }\n  - { name: b, sha256: ${HASH} }`,
    "keys.yaml:3:24: keys[1].sha256: must be unique; keys[0] has the same",
  ],
  [
    `keys:\n  - { name: a, sha256: ${HASH}, name: b }`,
    'keys.yaml:2:90: must not repeat the key "name" in one map',
  ],
] as const;

for (const [text, problem] of MISTAKES) {
  test(`a mistake is told with its place: ${problem}`, () => {
    assert.equal(problemsOf(text)[0], problem);
  });
}

test("a key that was written where its hash belongs is not repeated", () => {
  for (const written of ["sk-secret", "1234567890"]) {
    const [problem = "", ...more] = problemsOf(`keys: [{ name: a, sha256: ${written} }]`);
    assert.deepEqual(more, []);
    assert.match(problem, /keys\[0\]\.sha256: must be the SHA-256 of the key/);
    assert.ok(!problem.includes(written));
  }
});
