import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { directoryOf, type Listing } from "./directory.ts";
import type { ServerView } from "./server-view.ts";

const listing = (ids: string[], view: Partial<ServerView>): Listing => ({
  model: { key: "default/m", name: "m", ids, adapterIds: [], createdSeconds: 1 },
  view: { state: "loading", message: "m", ...view },
});

const summary = (...listings: Listing[]) =>
  directoryOf(listings).models.map(({ id, aliases, endpoints }) => [
    id,
    ...aliases,
    endpoints.length,
  ]);

describe("the directory", () => {
  test("lists what serves and what will", () => {
    assert.deepEqual(summary(listing(["a", "b"], {}), listing(["c"], { endpoint: "e" })), [
      ["a", "b", 0],
      ["c", 1],
    ]);
  });
  test("while a model is replaced, its ids are those of the server that serves", () => {
    const old = listing(["a"], { endpoint: "e" });
    assert.deepEqual(summary(listing(["a"], {}), old), [["a", 1]]);
    assert.deepEqual(summary(listing(["b", "a"], {}), old), [
      ["b", 0],
      ["a", 1],
    ]);
  });
  test("lists adapters beside their model", () => {
    const one = listing(["a"], { endpoint: "e" });
    const { models } = directoryOf([{ ...one, model: { ...one.model, adapterIds: ["tone"] } }]);
    assert.deepEqual(
      models.map(({ id, parent, endpoints }) => [id, parent, endpoints]),
      [
        ["a", undefined, ["e"]],
        ["tone", "a", ["e"]],
      ],
    );
  });
  test("rounds progress down, so that only a whole percent is news", () => {
    const [model] = directoryOf([listing(["a"], { progress: 0.999 })]).models;
    assert.equal(model?.progress, 0.99);
  });
});
