/** Which lists may answer for which models. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Client } from "@localmodel/kube/wire/client.ts";
import { SERVICES } from "@localmodel/kube/objects/core-resources.ts";
import { ManualClock } from "@localmodel/kube/fixtures/manual-clock.ts";
import { Strangers } from "./strangers.ts";

const { signal } = new AbortController();

let clock: ManualClock;
let names: string[];
let version: number;
let lists: number;
let strangers: Strangers;

beforeEach(() => {
  [clock, names, version, lists] = [new ManualClock(), [], 100, 0];
  const list = () => {
    lists += 1;
    const items = names.map((name) => ({ metadata: { name } }));
    return Promise.resolve({ items, resourceVersion: String(version) });
  };
  strangers = new Strangers({ list } as unknown as Client, clock);
});

const modelAt = (resourceVersion: number, key = "default/a", uid = key) => ({
  key,
  uid,
  resourceVersion: String(resourceVersion),
});

const has = (name: string, model: ReturnType<typeof modelAt>) =>
  strangers.have(SERVICES, { namespace: "default", name }, { model, signal });

test("one list serves all models that were there before it, for a moment", async () => {
  for (let index = 0; index < 50; index += 1) {
    assert.equal(await has("x", modelAt(index + 1, `default/${index}`)), false);
  }
  assert.equal(lists, 1);
  await clock.advance(1001);
  await has("x", modelAt(1));
  assert.equal(lists, 2);
});

test("models that ask at the same time share a list", async () => {
  const asked = Array.from({ length: 8 }, (_, index) => has("x", modelAt(index, `${index}`)));
  await Promise.all(asked);
  assert.equal(lists, 1);
});

test("a model that is newer than the list is not told from it", async () => {
  assert.equal(await has("mine", modelAt(90)), false);
  names.push("mine");
  version = 110;
  assert.equal(await has("mine", modelAt(105, "default/b")), true);
  assert.equal(lists, 2);
});

test("what the operator writes into a model does not make it newer", async () => {
  await has("x", modelAt(90));
  await has("x", modelAt(150));
  assert.equal(lists, 1);
});

test("a model that comes again under its name is a new one", async () => {
  await has("x", modelAt(90));
  version = 160;
  await has("x", modelAt(150, "default/a", "another"));
  assert.equal(lists, 2);
});

test("a list that fails is asked for anew", async () => {
  let broken = true;
  const client = {
    list: () =>
      broken
        ? Promise.reject(new Error("no"))
        : Promise.resolve({ items: [], resourceVersion: "1" }),
  };
  strangers = new Strangers(client as unknown as Client, clock);
  await assert.rejects(has("x", modelAt(1)), /no/);
  broken = false;
  assert.equal(await has("x", modelAt(1)), false);
});
