/** Operations on an engine that hangs: what nobody asked for is watched like what somebody did. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadedEngine } from "./load.ts";
import { operationsOf } from "./operations.ts";
import type { StepContext } from "./stepping/step-context.ts";

const unforeseen = () => assert.fail();

test("a warm-up that hangs is told, before anybody has asked for anything", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const usage = process.resourceUsage();
  t.mock.method(process, "resourceUsage", () => usage);
  const evaluated = t.mock.fn(() => new Promise<never>(() => {}));
  const context = { sequences: 1, batchTokens: 512, outputsMax: 1, evaluate: evaluated };
  const stuck = t.mock.fn();
  const loaded = {
    facts: { contextTokens: 512 },
    generation: { context: context as unknown as StepContext, files: undefined },
  } as unknown as LoadedEngine;
  operationsOf(loaded, { send: unforeseen, onBroken: unforeseen, onStuck: stuck });
  t.mock.timers.tick(3_600_000);
  assert.equal(evaluated.mock.callCount(), 1);
  assert.equal(stuck.mock.callCount(), 1);
});
