/** Which old pod goes for the sake of a volume that one node at a time may mount. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { podWith, readyPod } from "../fixtures/models.ts";
import { volumeRoom } from "./volume-room.ts";

const on = (nodeName: string, pod: Pod): Pod => ({ ...pod, spec: { nodeName, containers: [] } });
const oldPod = (name = "old") => on("a", readyPod({ name, revision: "r0" }));
const newPod = on("b", podWith({}, { name: "new", revision: "r1" }));

const USED = 'Waiting for detach for volume "pvc-1" Volume is already used by ';

function roomWith(message: string, pods: readonly Pod[], reason = "FailedAttachVolume") {
  return volumeRoom("r1", { pods, podsSay: new Map([["new", { reason, message }]]) });
}

test("an old pod goes that has the volume of a new one alone, and the new one's node is known", () => {
  const old = oldPod();
  const room = roomWith(`${USED}pod(s) old`, [old, newPod]);
  assert.deepEqual(room, { kind: "now", victims: [old], nodeName: "b" });
});

test("no pod goes whose end would help nobody, or that is going already", () => {
  const none = { kind: "none" };
  const pods = [oldPod(), newPod];
  for (const message of [
    `${USED}pod(s) old, stranger`,
    `${USED}pod(s) old and 1 pod(s) in different namespaces`,
    `${USED}1 pod(s) in different namespaces`,
    `${USED}pod(s) stranger`,
    'AttachVolume.Attach failed for volume "pvc-1": rpc error',
  ]) {
    assert.deepEqual(roomWith(message, pods), none, message);
  }
  assert.deepEqual(roomWith(`${USED}pod(s) old`, pods, "FailedMount"), none);
  assert.deepEqual(roomWith(`${USED}pod(s) old, other`, [oldPod(), oldPod("other"), newPod]), none);
  const old = oldPod();
  const metadata = { ...old.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
  assert.deepEqual(roomWith(`${USED}pod(s) old`, [{ ...old, metadata }, newPod]), none);
});

test("a further replica waits for its volume, and takes it from none of the same revision", () => {
  const same = on("a", readyPod({ name: "old", revision: "r1" }));
  assert.deepEqual(roomWith(`${USED}pod(s) old`, [same, newPod]), { kind: "none" });
});
