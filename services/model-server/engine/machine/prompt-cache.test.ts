import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { promptCacheBytes } from "./prompt-cache.ts";

const configOf = (engine: object, contextFromMemory: boolean) =>
  ServerConfig.parse({
    modelId: "test",
    createdSeconds: 0,
    weightsPath: "/w.gguf",
    engine,
    contextFromMemory,
  });

test("conversations that no slot holds get what is asked for, none included", () => {
  for (const contextFromMemory of [true, false]) {
    const bytes = promptCacheBytes(configOf({ promptCacheMiB: 3 }, contextFromMemory), 0);
    assert.equal(bytes, 3 * 2 ** 20);
    assert.equal(promptCacheBytes(configOf({ promptCacheMiB: 0 }, contextFromMemory), 2 ** 40), 0);
  }
});

test("without a word they get an eighth of what is free, 2 GiB at most, and nothing where memory is counted", () => {
  assert.equal(promptCacheBytes(configOf({}, true), 2 ** 30), 2 ** 27);
  assert.equal(promptCacheBytes(configOf({}, true), 2 ** 40), 2 ** 31);
  assert.equal(promptCacheBytes(configOf({}, false), 2 ** 40), 0);
});
