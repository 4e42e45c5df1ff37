import assert from "node:assert/strict";
import { test } from "node:test";
import type { CoreEvent, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";
import { containerStatus, observedWith, podWith } from "../fixtures/models.ts";
import { heldUp, lookUpPods } from "./pod-events.ts";

const START = "2026-01-01T00:00:00Z";
const at = (seconds: number) => new Date(Date.parse(START) + seconds * 1000);
const NOW_MS = at(60).getTime();

const event = (reason: string, message: string, seconds: number): CoreEvent =>
  ({ reason, message, lastTimestamp: at(seconds).toISOString() }) as unknown as CoreEvent;

const creating = (status: object = {}): Pod =>
  podWith({
    startTime: START,
    initContainerStatuses: [containerStatus("fetch", { waiting: { reason: "PodInitializing" } })],
    ...status,
  });

async function saidOf(pod: Pod, events: readonly CoreEvent[], nowMs = NOW_MS) {
  let lists = 0;
  const list = () => {
    lists += 1;
    return Promise.resolve({ items: events, resourceVersion: "1" });
  };
  const client = { list } as unknown as Client;
  const found = await lookUpPods(client, observedWith({ pods: [pod] }), nowMs);
  return { said: found?.get(pod.metadata.name), lists };
}

const attach = event("FailedAttachVolume", "Multi-Attach error for volume x", 10);
const mount = event("FailedMount", "Unable to attach or mount volumes: timed out", 50);

test("a volume that is attached elsewhere is told by who attaches it, not by who waits for that", async () => {
  const { said } = await saidOf(creating(), [attach, mount]);
  assert.deepEqual(said, { reason: attach.reason, message: attach.message });
  const attached = event("SuccessfulAttachVolume", "AttachVolume.Attach succeeded", 55);
  assert.equal((await saidOf(creating(), [attach, mount, attached])).said, undefined);
  const later = event("FailedMount", "mount failed: exit status 32", 58);
  assert.match((await saidOf(creating(), [attach, attached, later])).said?.message ?? "", /32/);
});

test("a pod without a node is looked up where it claims devices, and no other", async () => {
  const missing = event(
    "FailedResourceClaimCreation",
    'resource claim template "big": not found',
    5,
  );
  const pod: Pod = { ...podWith({}), spec: { containers: [] } };
  assert.deepEqual(await saidOf(pod, [missing]), { said: undefined, lists: 0 });
  const resourceClaims = [{ name: "gpu", resourceClaimTemplateName: "big" }];
  const claiming: Pod = { ...pod, spec: { containers: [], resourceClaims } };
  assert.equal((await saidOf(claiming, [missing])).said?.reason, "FailedResourceClaimCreation");
  const resourceClaimStatuses = [{ name: "gpu", resourceClaimName: "llama-gpu-x" }];
  const claimed: Pod = { ...claiming, status: { resourceClaimStatuses } };
  assert.equal((await saidOf(claimed, [missing])).lists, 0, "it has been made since");
});

test("pods that have begun, end, or have not waited for long are not looked up", async () => {
  const begun = creating({
    initContainerStatuses: [containerStatus("fetch", { running: {} })],
  });
  const pulling = creating({
    initContainerStatuses: [containerStatus("fetch", { waiting: { reason: "ErrImagePull" } })],
  });
  const made = creating();
  const ending: Pod = { ...made, metadata: { ...made.metadata, deletionTimestamp: START } };
  for (const pod of [begun, pulling, ending]) {
    assert.equal((await saidOf(pod, [attach])).lists, 0);
    assert.deepEqual(heldUp(observedWith({ pods: [pod] })), []);
  }
  assert.equal((await saidOf(creating(), [attach], at(5).getTime())).lists, 0);
  assert.equal(heldUp(observedWith({ pods: [creating()] })).length, 1, "it is looked at again");
});
