/** Places, turns, deadlines: driven by hand, with a clock that only the test moves. */
import assert from "node:assert/strict";
import { Failure } from "@localmodel/inference/failure.ts";
import { failureHeaders } from "@localmodel/inference/failure-headers.ts";
import { test, type TestContext } from "node:test";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { modelNotFound } from "@localmodel/inference/refusals.ts";
import * as fc from "fast-check";
import { model } from "../fixtures/gateway.ts";
import { ClientGone, type OpenRequest } from "../upstream/open-requests.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";

/** A client that hangs up when it is told to. */
class Client {
  reason: Error | undefined;
  readonly #listeners = new Set<(reason: Error) => void>();

  onEnd(listener: (reason: Error) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  hangUp(): void {
    this.reason = new ClientGone();
    for (const listener of this.#listeners) listener(this.reason);
  }
}

function stage(
  t: TestContext,
  fields: Partial<DirectoryModel>,
  limits: Partial<AdmissionLimits> = {},
) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const clock = { ms: 0 };
  const world = { model: model("m", { endpoints: ["e"], ...fields }), gone: false };
  const find = () => {
    if (world.gone) throw modelNotFound("m", []);
    return world.model;
  };
  const usual = {
    maxQueuedRequests: 100,
    maxHeldRequests: 200,
    queueTimeoutMs: 60_000,
    loadingTimeoutMs: 30_000,
  };
  const admission = new Admission({ ...usual, ...limits }, find, { now: () => clock.ms });
  const enter = (tenant = "", client = new Client(), patienceSeconds = Infinity) =>
    admission.enter(world.model, {
      tenant,
      patienceSeconds,
      open: client as unknown as OpenRequest,
    });
  const pass = (ms: number) => {
    clock.ms += ms;
    t.mock.timers.tick(ms);
  };
  return { admission, clock, world, enter, pass };
}

type Place = Disposable | Promise<Disposable>;
const isInside = (place: Place): place is Disposable => !(place instanceof Promise);
const leave = (place: Place) => {
  assert.ok(isInside(place), "it is still waiting");
  place[Symbol.dispose]();
};

test("servers get as many as they work on and half as many again, the others wait", async (t) => {
  const { admission, enter } = stage(t, { slots: 4, endpoints: ["a", "b"] });
  const places = Array.from({ length: 12 }, () => enter());
  assert.ok(places.every(isInside));
  const next = enter();
  assert.equal(isInside(next), false);
  assert.deepEqual([admission.inside("m"), admission.waiting("m")], [12, 1]);
  leave(places[0] as Place);
  leave(await next);
  assert.deepEqual([admission.inside("m"), admission.waiting("m")], [11, 0]);
});

test("a full queue is a 429 that says when to come back, by how fast requests leave", (t) => {
  const { enter, clock } = stage(t, { slots: 1 }, { maxQueuedRequests: 3 });
  const places = [enter(), enter()];
  for (const place of [enter(), enter(), enter()]) void Promise.resolve(place);
  assert.throws(
    () => enter(),
    (thrown) => thrown instanceof Failure && failureHeaders(thrown)["retry-after-ms"] === "1000",
  );
  for (const place of places) {
    clock.ms += 4000;
    leave(place);
  }
  for (const place of [enter(), enter()]) void Promise.resolve(place);
  assert.throws(
    () => enter(),
    (thrown) => thrown instanceof Failure && failureHeaders(thrown)["retry-after-ms"] === "16000",
  );
});

test("a client that would give up before its turn is told so at once", (t) => {
  const { enter, clock } = stage(t, { slots: 1 });
  const places = [enter(), enter()];
  for (const place of [enter(), enter(), enter(), enter()]) void Promise.resolve(place);
  for (const place of places) {
    clock.ms += 10_000;
    leave(place);
  }
  assert.throws(() => enter("", new Client(), 25), { status: 429 });
  assert.equal(isInside(enter("", new Client(), 35)), false);
});

test("a wait that gets too long ends in a 429", async (t) => {
  const { enter, pass } = stage(t, { slots: 1 });
  void enter();
  void enter();
  const waiting = enter();
  pass(59_000);
  pass(1000);
  await assert.rejects(Promise.resolve(waiting), { status: 429 });
});

test("a client that hangs up is out of the queue at once", async (t) => {
  const { admission, enter } = stage(t, { slots: 1 });
  const first = enter();
  void enter();
  const client = new Client();
  const gone = enter("", client);
  const next = enter();
  client.hangUp();
  assert.equal(admission.waiting("m"), 1);
  await assert.rejects(Promise.resolve(gone), ClientGone);
  leave(first);
  leave(await next);
});

test("a model that loads is waited for, up to a limit", async (t) => {
  const { enter, pass, world } = stage(t, { endpoints: [], state: "loading" });
  const lucky = enter();
  pass(20_000);
  world.model = { ...world.model, endpoints: ["e"], state: "ready" };
  pass(50);
  leave(await lucky);
  world.model = { ...world.model, endpoints: [], state: "restarting", message: "it crashed" };
  const unlucky = enter();
  pass(50);
  pass(29_900);
  pass(100);
  await assert.rejects(Promise.resolve(unlucky), { status: 503, message: /it crashed/ });
});

test("a model that will not be there soon is not waited for", async (t) => {
  const { enter, world, pass } = stage(t, { endpoints: [], state: "downloading", progress: 0.5 });
  assert.throws(() => enter(), { status: 503, code: "model_loading", message: /50 %/ });
  world.model = { ...world.model, state: "loading" };
  const hopeful = enter();
  world.model = { ...world.model, state: "failed", message: "no GGUF" };
  pass(50);
  await assert.rejects(Promise.resolve(hopeful), { status: 503, code: "model_failed" });
});

test("whoever waits for a model that is deleted is told that it does not exist", async (t) => {
  const { enter, world, pass } = stage(t, { endpoints: [], state: "loading" });
  const waiting = enter();
  world.gone = true;
  pass(50);
  await assert.rejects(Promise.resolve(waiting), { status: 404 });
});

test("whoever comes, leaves or hangs up in whatever order, nobody is lost and places never run over", async (t) => {
  const action = fc.record({ type: fc.constantFrom("enter", "leave", "hangUp"), which: fc.nat() });
  const run = async (actions: { type: string; which: number }[]) => {
    const { admission, enter } = stage(t, { slots: 2 });
    const inside: Disposable[] = [];
    const waiting = new Set<Client>();
    const come = async (client: Client) => {
      waiting.add(client);
      try {
        inside.push(await enter(`${waiting.size % 3}`, client));
      } catch {
        // It hung up.
      }
      waiting.delete(client);
    };
    const visits: Promise<void>[] = [];
    for (const { type, which } of actions) {
      if (type === "enter") visits.push(come(new Client()));
      else if (type === "leave") inside.splice(which % inside.length, 1)[0]?.[Symbol.dispose]();
      else [...waiting][which % waiting.size]?.hangUp();
      await new Promise(setImmediate);
      assert.equal(admission.inside("m"), inside.length);
      assert.equal(admission.waiting("m"), waiting.size);
      assert.ok(inside.length <= 3 && (waiting.size === 0 || inside.length === 3));
    }
    while (inside.length > 0) {
      inside.pop()?.[Symbol.dispose]();
      await new Promise(setImmediate);
    }
    await Promise.all(visits);
    assert.deepEqual([admission.inside("m"), admission.waiting("m")], [0, 0]);
    t.mock.timers.reset();
  };
  await fc.assert(fc.asyncProperty(fc.array(action, { maxLength: 40 }), run), { numRuns: 50 });
});

test("what is stuck may come loose for a while; then its reason ends the wait", async (t) => {
  const asleep = { endpoints: [], state: "asleep" as const, activationTimeoutSeconds: 600 };
  const { world, enter, pass, admission } = stage(t, asleep);
  const entering = enter();
  pass(60_000);
  const stuck = { state: "pending" as const, message: "No node can take a pod.", isStuck: true };
  world.model = { ...world.model, ...stuck };
  pass(50);
  pass(15_000);
  world.model = { ...world.model, isStuck: false, message: "The cluster adds a node." };
  pass(120_000);
  world.model = { ...world.model, ...stuck };
  pass(50);
  pass(15_000);
  assert.equal(admission.waiting("m"), 1);
  pass(6000);
  await assert.rejects(async () => entering, {
    code: "model_loading",
    message: /No node can take/,
  });
});

test("who wakes a model waits as long as that may take, and is told why it has not come", async (t) => {
  const asleep = { endpoints: [], state: "loading" as const, activationTimeoutSeconds: 900 };
  const { enter, pass, admission } = stage(t, asleep, { queueTimeoutMs: 60_000 });
  const entering = enter();
  pass(50);
  pass(899_000);
  assert.equal(admission.waiting("m"), 1);
  pass(1100);
  await assert.rejects(async () => entering, { code: "model_loading", status: 503 });
});
