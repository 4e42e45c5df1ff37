import assert from "node:assert/strict";
import { test } from "node:test";
import { AppliedMemory } from "./applied-memory.ts";
import { DEPLOYMENTS, SERVICES } from "../objects/core-resources.ts";
import type { KubeObject, ObjectMeta } from "../objects/objects.ts";

const NAME = { namespace: "home", name: "web" };
const OURS = { labels: { a: "ours" }, annotations: { b: "ours" } };
const WANTED = { metadata: { ...NAME, ...OURS }, spec: { replicas: 1 } };

function observed(more: Partial<ObjectMeta> = {}): KubeObject {
  return { metadata: { ...NAME, ...OURS, uid: "u", generation: 1, resourceVersion: "5", ...more } };
}

test("what was applied and is still there needs no further apply, whatever its status says", () => {
  const memory = new AppliedMemory();
  assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, observed()), false);
  memory.remember(DEPLOYMENTS, WANTED, observed());
  assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, observed()), true);
  assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, observed({ resourceVersion: "9" })), true);
});

for (const { name, changed } of [
  { name: "a spec", changed: { generation: 2 } },
  { name: "a label", changed: { labels: { a: "theirs" } } },
  { name: "an annotation", changed: { annotations: {} } },
  { name: "its deletion", changed: { deletionTimestamp: "2026-01-01T00:00:00Z" } },
  { name: "another life", changed: { uid: "v" } },
]) {
  test(`${name} that somebody changed is applied again`, () => {
    const memory = new AppliedMemory();
    memory.remember(DEPLOYMENTS, WANTED, observed());
    assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, observed(changed)), false);
  });
}

test("labels and annotations that somebody else adds are no reason to apply again", () => {
  const memory = new AppliedMemory();
  memory.remember(DEPLOYMENTS, WANTED, observed());
  const labels = { ...OURS.labels, team: "x" };
  const annotations = { ...OURS.annotations, "deployment.kubernetes.io/revision": "1" };
  assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, observed({ labels, annotations })), true);
});

test("another wish, another object, a vanished one and a forgotten one are applied", () => {
  const memory = new AppliedMemory();
  memory.remember(DEPLOYMENTS, WANTED, observed());
  const other = { ...WANTED, spec: { replicas: 2 } };
  assert.equal(memory.isCurrent(DEPLOYMENTS, other, observed()), false);
  assert.equal(memory.isCurrent(SERVICES, WANTED, observed()), false);
  memory.forget(DEPLOYMENTS, NAME);
  assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, observed()), false);
  memory.remember(DEPLOYMENTS, WANTED, observed());
  assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, undefined), false);
  assert.equal(memory.isCurrent(DEPLOYMENTS, WANTED, observed()), false);
});

test("kinds without a generation are applied again after any change", () => {
  const memory = new AppliedMemory();
  const { generation: _, ...metadata } = observed().metadata;
  memory.remember(SERVICES, WANTED, { metadata });
  assert.equal(memory.isCurrent(SERVICES, WANTED, { metadata }), true);
  const later = { metadata: { ...metadata, resourceVersion: "6" } };
  assert.equal(memory.isCurrent(SERVICES, WANTED, later), false);
});
