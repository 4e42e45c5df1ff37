/** What is told of an engine that cannot be loaded because others hold its device. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { ModelFacts, ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { SleepingEngine } from "../engine/process/sleeping-engine.ts";
import { facts, ScriptedEngine } from "../fixtures/scripted-engine.ts";
import { serve } from "../fixtures/serve.ts";

const MESSAGE = "The weights need 4 GiB, and 1 GiB are free";

/** `model`: what is known of its weights from a time when they were loaded. */
async function setUp(t: TestContext, model?: ModelFacts) {
  const engine = new ScriptedEngine();
  const listeners: ((state: ServerState) => void)[] = [];
  const become = (state: ServerState): void => {
    engine.state = state;
    for (const listener of listeners) listener(state);
  };
  const problem = { reason: "VramTooSmall", message: MESSAGE } as const;
  const asleep = { state: "asleep", message: MESSAGE, problem, ...(model && { model }) } as const;
  engine.state = { state: "asleep", message: "not loaded yet", ...(model && { model }) };
  const restartable = Object.assign(engine, {
    onState: (listener: (state: ServerState) => void) => void listeners.push(listener),
    sleep: () => {},
    wake: () => {
      if ("progress" in engine.state) return;
      become({ ...asleep, progress: 0 });
      setImmediate(() => become(asleep));
    },
  });
  const sleeper = new SleepingEngine(restartable, { sleepAfterSeconds: 60 });
  return serve(t, sleeper, { sleeper });
}

for (const [what, model] of [
  ["was never loaded", undefined],
  ["was loaded before", facts],
] as const) {
  test(`a model that ${what}, and whose device others hold, says so to who has it loaded, and stays ready`, async (t) => {
    const { url, post } = await setUp(t, model);
    const refused = await post("/load", {});
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get("retry-after")) > 0);
    const { error } = (await refused.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, "model_loading");
    assert.match(error.message, /1 GiB are free/u);
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    const { body } = await fetch(`${url}/residence`);
    const reader = (body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
    const said = { state: "asleep", message: MESSAGE, reason: "VramTooSmall" };
    assert.deepEqual(JSON.parse((await reader.read()).value ?? ""), said);
    await reader.cancel();
  });
}

test("a request that comes to it all the same is refused for now", async (t) => {
  const { post } = await setUp(t);
  const refused = await post("/v1/completions", { prompt: "Once" });
  assert.equal(refused.status, 503);
  assert.match(await refused.text(), /model_loading/u);
});
