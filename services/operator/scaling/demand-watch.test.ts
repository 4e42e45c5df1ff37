import assert from "node:assert/strict";
import { test } from "node:test";
import { ObjectCache } from "@localmodel/kube/cache/object-cache.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import type { EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";
import { systemClock } from "@localmodel/kube/time/clock.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { apiPod } from "../fixtures/api-pod.ts";
import { DemandView } from "./demand-view.ts";
import { DemandWatch } from "./demand-watch.ts";

function slice(...addresses: readonly string[]): EndpointSlice {
  return {
    metadata: { namespace: "system", name: "api-x1", resourceVersion: "1" },
    addressType: "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

function watching(port: number, token: string | undefined = "secret") {
  const slices = new ObjectCache<EndpointSlice>(silentLog);
  const view = new DemandView();
  const changes: (readonly string[] | "all")[] = [];
  const stop = new AbortController();
  const watch = new DemandWatch({
    slices,
    port,
    view,
    nowMs: () => Date.now(),
    onChange: (keys) => changes.push(keys),
    clock: systemClock,
    log: silentLog,
  });
  watch.start(token, stop.signal);
  return { slices, view, changes, [Symbol.dispose]: () => stop.abort() };
}

function until(isSo: () => boolean): Promise<void> {
  return eventually(String(isSo), () => assert.ok(isSo()), { intervalMs: 5 });
}

test("demand is known once every pod of the slices is heard, and no longer when one is cut off", async () => {
  await using pod = await apiPod();
  using watched = watching(pod.port);
  assert.equal(watched.view.isWhole, false);
  watched.slices.replace([slice("127.0.0.1")], "1");
  await until(() => watched.view.isWhole);
  pod.ask({ name: "llama", inFlight: 2, queued: 3, servers: [{ pod: "llama-1", inFlight: 2 }] });
  await until(() => watched.view.loadOf("a/llama").queued === 3);
  assert.deepEqual(watched.changes, ["all", ["a/llama"]]);
  assert.equal(watched.view.loadOf("a/llama").inFlightByPod.get("llama-1"), 2);
  pod.cut();
  await until(() => watched.changes.length === 3);
  // It is asked again, and says all that it said.
  await until(() => watched.view.isWhole && watched.view.loadOf("a/llama").inFlight === 2);
});

test("a model sleeps in its pods as long as an API pod says so, without being used by that", async () => {
  await using pod = await apiPod();
  using watched = watching(pod.port);
  const { view } = watched;
  assert.equal(view.loadOf("a/llama").isUnloaded, undefined);
  watched.slices.replace([slice("127.0.0.1")], "1");
  await until(() => view.loadOf("a/llama").isUnloaded === false);
  const never = { name: "llama", lastAskedAtMs: 0, lastCameAtMs: 0 };
  pod.ask({ ...never, isUnloaded: true });
  await until(() => view.loadOf("a/llama").isUnloaded === true);
  assert.equal(view.loadOf("a/llama").lastUsedMs, 0);
  const lack = { reason: "VramTooSmall", message: "1 GiB is free" };
  pod.ask({ ...never, isUnloaded: true, lack });
  await until(() => view.loadOf("a/llama").lack?.reason === "VramTooSmall");
  pod.ask(never);
  await until(() => view.loadOf("a/llama").isUnloaded === false);
  assert.equal(view.loadOf("a/llama").lack, undefined);
  assert.deepEqual(watched.changes.at(-1), ["a/llama"]);
});

test("a pod that refuses to tell leaves demand unknown, and is asked again", async () => {
  await using pod = await apiPod();
  using watched = watching(pod.port, "another");
  watched.slices.replace([slice("127.0.0.1")], "1");
  pod.ask({ name: "llama", queued: 1 });
  // When it asks again it has read the answer before.
  await until(() => pod.refused() >= 2);
  assert.equal(watched.view.isWhole, false);
  assert.equal(watched.view.loadOf("a/llama").queued, 0);
});

test("what a pod asked for is forgotten when the slices no longer name it", async () => {
  await using pod = await apiPod();
  using watched = watching(pod.port);
  watched.slices.replace([slice("127.0.0.1")], "1");
  await until(() => watched.view.isWhole);
  pod.ask({ name: "llama", queued: 1 });
  await until(() => watched.view.loadOf("a/llama").queued === 1);
  watched.slices.replace([], "2");
  await until(() => watched.view.loadOf("a/llama").queued === 0);
  assert.equal(watched.view.isWhole, false);
});
