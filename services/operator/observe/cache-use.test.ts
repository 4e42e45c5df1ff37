import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { fetchedMessage } from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { containerStatus, inspection, modelWith, platform } from "../fixtures/models.ts";
import type { StoredModel } from "../model/local-model-resource.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { cacheUse } from "./cache-use.ts";
import type { Caches } from "./caches.ts";

const SHA = "a".repeat(64);
const sourceAt = (name: string) => ({ http: { url: `https://models.example/${name}.gguf` } });
const shared = { cache: { claimName: "shared" } };
const model = modelWith({ source: sourceAt("own"), ...shared });

function stored(name: string, spec: object, namespace = "default"): StoredModel {
  return { metadata: { namespace, name, resourceVersion: "1" }, spec };
}

type End = { readonly exitCode: number; readonly message?: string | undefined };

/** A pod that fetches, or has done so. */
function podOf(spec: Partial<LocalModelSpecInput>, terminated?: End, phase = "Running"): Pod {
  const made = podTemplate(modelWith({ ...shared, ...spec }), platform, inspection);
  const state = terminated === undefined ? { running: {} } : { terminated };
  return {
    metadata: { namespace: "default", name: "pod" },
    spec: made.spec,
    status: { phase, initContainerStatuses: [containerStatus("fetch", state)] },
  } as unknown as Pod;
}

function useOf(models: readonly StoredModel[], pods: readonly Pod[]) {
  const set = { models: { cache: { list: () => models } }, cacheOf: () => ({ list: () => pods }) };
  return cacheUse(model, { setOf: () => set } as unknown as Pick<Caches, "setOf">);
}

const urlsOf = (use: ReturnType<typeof useOf>) =>
  use?.keepSources.map(({ http }) => http?.url.split("/").at(-1)).toSorted();

test("LocalModels on the claim may want their files, suspended ones too, and others have no part in it", () => {
  const use = useOf(
    [
      stored("one", { source: sourceAt("one"), ...shared }),
      stored("asleep", { source: sourceAt("asleep"), replicas: 0, ...shared }),
      stored("other-claim", { source: sourceAt("other-claim"), cache: { claimName: "else" } }),
      stored("elsewhere", { source: sourceAt("elsewhere"), ...shared }, "elsewhere"),
    ],
    [],
  );
  assert.deepEqual(urlsOf(use), ["asleep.gguf", "one.gguf"]);
});

test("a pod that has fetched uses what it says, and one that fetches what it is told", () => {
  const has = podOf({ source: sourceAt("old") }, { exitCode: 0, message: fetchedMessage([SHA]) });
  const use = useOf([], [has, podOf({ source: sourceAt("coming") })]);
  assert.deepEqual(use?.keepBlobs, [SHA]);
  assert.deepEqual(urlsOf(use), ["coming.gguf"]);
});

test("where one pod does not say what it uses, nobody knows what may go", () => {
  assert.equal(useOf([], [podOf({}, { exitCode: 0 })]), undefined);
  assert.deepEqual(useOf([], [podOf({}, { exitCode: 0 }, "Succeeded")])?.keepBlobs, []);
  const elsewhere = podOf({ cache: { claimName: "else" } }, { exitCode: 0 });
  assert.deepEqual(useOf([], [elsewhere])?.keepBlobs, []);
});

test("where a LocalModel on the claim cannot be read, nobody knows either", () => {
  assert.equal(useOf([stored("broken", { source: {}, ...shared })], []), undefined);
});

test("more files than a message can hold are not said", () => {
  assert.equal(fetchedMessage(Array.from({ length: 100 }, () => SHA)), undefined);
});
