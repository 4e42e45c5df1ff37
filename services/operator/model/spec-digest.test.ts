import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LocalModelSpec,
  type LocalModelSpecInput,
} from "@localmodel/localmodel/resource/localmodel.ts";
import { http } from "../fixtures/models.ts";
import { specDigest } from "./spec-digest.ts";

const digestOf = (spec: Partial<LocalModelSpecInput>) =>
  specDigest(LocalModelSpec.parse({ source: { http }, ...spec }));

test("how many pods there are, and how they are replaced, is no change of what they are", () => {
  const plain = digestOf({});
  assert.equal(digestOf({ replicas: 3 }), plain);
  assert.equal(digestOf({ scaling: { maxReplicas: 4 } }), plain);
  assert.equal(digestOf({ rollout: { paused: true } }), plain);
});

test("what the author changes is a change, and so is what he asks for with all its defaults", () => {
  const all = [
    {},
    { engine: { slots: 2 } },
    { gpu: {} },
    { gpu: { count: 2 } },
    { aliases: ["a"] },
  ];
  const digests = all.map(digestOf);
  assert.equal(new Set(digests).size, all.length);
});

test("a default that is filled in is no change", () => {
  const {
    source: _source,
    replicas: _replicas,
    ...defaults
  } = LocalModelSpec.parse({
    source: { http },
  });
  assert.ok(Object.keys(defaults).length > 3);
  assert.equal(digestOf(defaults), digestOf({}));
  assert.equal(
    digestOf({ gpu: { count: 1, resourceName: "nvidia.com/gpu", requirement: "Required" } }),
    digestOf({ gpu: {} }),
  );
});

test("fields are a change in no order", () => {
  const one = { key: "a", operator: "Exists" as const };
  assert.equal(
    digestOf({ nodeSelector: { a: "1", b: "2" }, tolerations: [one] }),
    digestOf({ tolerations: [{ operator: "Exists", key: "a" }], nodeSelector: { b: "2", a: "1" } }),
  );
});
