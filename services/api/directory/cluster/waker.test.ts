/** Who is woken for whom, with real books of who is asked for. */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { DemandBook } from "../../admission/demand.ts";
import { model } from "../../fixtures/gateway.ts";
import { Waker } from "./waker.ts";

const ASLEEP = model("m", {
  server: "a/m",
  scales: true,
  unloads: true,
  activationTimeoutSeconds: 600,
  state: "asleep",
  sleepers: ["http://pod"],
});
const AWAKE = { ...ASLEEP, state: "ready", endpoints: ["http://pod"], sleepers: [] } as const;

test("who does not wait has a model woken once: when it sleeps again it stays asleep", async () => {
  let current = ASLEEP;
  const loads: string[] = [];
  using waker = new Waker({
    find: () => current,
    load: async ({ url }) => void loads.push(url),
    unload: async () => {},
    neighbourOf: () => undefined,
    next: undefined,
  });
  const directory = { current: () => ({ models: [current] }), known: true, sleep: waker };
  const demand = new DemandBook(directory, { inside: () => 0, waiting: () => 0 });
  waker.watch(demand);
  demand.want(ASLEEP);
  assert.deepEqual(loads, ["http://pod"]);
  await turn();
  current = AWAKE;
  waker.changed("m");
  current = ASLEEP;
  waker.changed("m");
  assert.deepEqual(loads, ["http://pod"]);
});
