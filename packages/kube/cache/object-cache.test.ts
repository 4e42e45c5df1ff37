import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { silentLog } from "../log.ts";
import { type Change, ObjectCache } from "./object-cache.ts";
import { type KubeObject, keyOf } from "../objects/objects.ts";

const name = fc.constantFrom("a", "b", "c", "d");
const uid = fc.constantFrom("1", "2");
const node = fc.constantFrom("x", "y");
const state = fc.record({ name, uid, node });
const step = fc.oneof(
  fc.record({ do: fc.constant("put" as const), state }),
  fc.record({ do: fc.constant("remove" as const), name }),
  fc.record({
    do: fc.constant("replace" as const),
    states: fc.uniqueArray(state, { selector: (x) => x.name }),
  }),
);

function objectOf(it: { name: string; uid: string; node: string }, version: number): KubeObject {
  const labels = { node: it.node };
  return { metadata: { name: it.name, uid: it.uid, resourceVersion: String(version), labels } };
}

test("whoever only listens to changes knows the same objects as who reads the cache and its index", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const cache = new ObjectCache(silentLog, {
        node: ({ metadata }) => [metadata.labels?.["node"] ?? ""],
      });
      const world = new Map<string, KubeObject>();
      const heard = new Map<string, KubeObject>();
      cache.listen((change) => follow(heard, change));
      for (const [index, it] of steps.entries()) {
        const version = index + 1;
        if (it.do === "put") {
          const object = objectOf(it.state, version);
          world.set(it.state.name, object);
          cache.put(object);
        } else if (it.do === "remove") {
          const known = world.get(it.name);
          world.delete(it.name);
          if (known !== undefined) {
            const metadata = { ...known.metadata, resourceVersion: String(version) };
            cache.remove({ ...known, metadata });
          }
        } else {
          world.clear();
          for (const one of it.states) world.set(one.name, objectOf(one, version));
          cache.replace([...world.values()], String(version));
        }
        assert.deepEqual(sorted(cache.list()), sorted([...world.values()]));
        assert.deepEqual(sorted([...heard.values()]), sorted([...world.values()]));
        for (const value of ["x", "y"]) {
          const expected = [...world.values()].filter((o) => o.metadata.labels?.["node"] === value);
          assert.deepEqual(sorted(cache.find("node", value)), sorted(expected));
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** Checks that every change fits what was heard before. */
function follow(heard: Map<string, KubeObject>, change: Change<KubeObject>): void {
  const key = keyOf(change.object.metadata);
  const known = heard.get(key);
  if (change.type === "added") assert.equal(known, undefined);
  else assert.notEqual(known, undefined);
  if (change.type === "updated") {
    assert.equal(known, change.previous);
    assert.equal(known?.metadata.uid, change.object.metadata.uid);
    assert.notEqual(known?.metadata.resourceVersion, change.object.metadata.resourceVersion);
  }
  if (change.type === "deleted") heard.delete(key);
  else heard.set(key, change.object);
}

function sorted(objects: readonly KubeObject[]): readonly KubeObject[] {
  return objects.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

test("who listens late hears of what is there as of the beginning", () => {
  const cache = new ObjectCache(silentLog);
  cache.replace([objectOf({ name: "a", uid: "1", node: "x" }, 1)], "1");
  const heard: Change<KubeObject>[] = [];
  const listening = cache.listen((change) => heard.push(change));
  cache.put(objectOf({ name: "b", uid: "1", node: "x" }, 2));
  listening[Symbol.dispose]();
  cache.put(objectOf({ name: "c", uid: "1", node: "x" }, 3));
  assert.deepEqual(
    heard.map((change) => [change.type, "initial" in change && change.initial]),
    [
      ["added", true],
      ["added", false],
    ],
  );
});

test("an index nobody made is a mistake that names those there are", () => {
  const cache = new ObjectCache(silentLog, { owner: () => [] });
  assert.throws(() => cache.find("node", "x"), /no index "node", the indexes are: owner/);
});
