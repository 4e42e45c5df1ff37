import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  LocalModelClassSpec,
  type LocalModelClassSpecInput,
} from "@localmodel/localmodel/resource/class-spec.ts";
import { LocalModelSpec } from "@localmodel/localmodel/resource/localmodel.ts";
import { arbitraryInput } from "../../../test/support/schema-arbitrary.ts";
import { http, inspection, modelWith, platform } from "../fixtures/models.ts";
import { platformRevision } from "../objects/platform-revision.ts";
import { inspectPod } from "../objects/inspect-pod.ts";
import { pullPod } from "../objects/pull-pod.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { serviceAccount } from "../objects/service-account.ts";
import { mergedSpec, withClass } from "./model-class.ts";

const classWith = (spec: LocalModelClassSpecInput) => LocalModelClassSpec.parse(spec);
const underClass = (spec: LocalModelClassSpecInput, model = modelWith()) =>
  withClass(model, platform, classWith(spec));

const specs = arbitraryInput(LocalModelSpec).map((input) => LocalModelSpec.parse(input));
const classes = arbitraryInput(LocalModelClassSpec).map((input) =>
  LocalModelClassSpec.parse(input),
);

test("a class that says nothing changes nothing", () => {
  fc.assert(
    fc.property(specs, (spec) => {
      assert.deepEqual(LocalModelSpec.parse(mergedSpec(spec, classWith({}))), spec);
    }),
    { numRuns: 20 },
  );
});

test("what an author names twice, and the class does not add to, stays as it is", () => {
  const spec = modelWith({ imagePullSecrets: [{ name: "a" }, { name: "a" }] }).spec;
  assert.deepEqual(mergedSpec(spec, classWith({})).imagePullSecrets, spec.imagePullSecrets);
});

function cacheOf({ cache }: ReturnType<typeof classWith>) {
  if (cache === undefined) return undefined;
  const { unused, ...claimTemplate } = cache;
  return { claimTemplate, fill: "Automatic", ...(unused && { unused }) };
}

test("whatever a class gives, the result is a spec, and merging it again changes nothing", () => {
  fc.assert(
    fc.property(specs, classes, (spec, found) => {
      const merged = mergedSpec(spec, found);
      assert.deepEqual(mergedSpec(merged, found), merged);
      assert.deepEqual(merged.source, spec.source);
      assert.deepEqual(merged.engine, spec.engine);
      for (const field of ["priorityClassName", "runtimeClassName", "resources"] as const) {
        assert.deepEqual(merged[field], spec[field] ?? found[field]);
      }
      assert.deepEqual(merged.cache, spec.cache ?? cacheOf(found));
      for (const [label, value] of Object.entries(found.nodeSelector ?? {})) {
        assert.equal(merged.nodeSelector?.[label], value);
      }
      for (const toleration of [...(spec.tolerations ?? []), ...(found.tolerations ?? [])]) {
        assert.ok(
          merged.tolerations?.some((one) => JSON.stringify(one) === JSON.stringify(toleration)),
        );
      }
    }),
    { numRuns: 20 },
  );
});

test("variables and authorities of a class reach every container, the one that inspects included", () => {
  const environment = {
    HTTPS_PROXY: "http://proxy.example:3128",
    HF_ENDPOINT: "https://hf.example",
  };
  const caBundle = { configMap: "authorities", key: "ca.crt" };
  const { model, platform: merged } = underClass({ environment, caBundle });
  const { spec } = podTemplate(model, merged, inspection);
  const inspect = inspectPod(model, merged) as unknown as { spec: { containers: Container[] } };
  type Container = (typeof spec.containers)[number];
  const containers = [...spec.initContainers, ...spec.containers, ...inspect.spec.containers];
  assert.equal(containers.length, 3);
  for (const { env, volumeMounts } of containers as unknown as Container[]) {
    const values = new Map(env.map((one) => [one.name, "value" in one ? one.value : undefined]));
    assert.equal(values.get("HTTPS_PROXY"), environment.HTTPS_PROXY);
    assert.equal(values.get("HF_ENDPOINT"), environment.HF_ENDPOINT);
    assert.equal(values.get("NODE_EXTRA_CA_CERTS"), "/etc/localmodel/ca/ca.crt");
    assert.ok(volumeMounts.some(({ mountPath }) => mountPath === "/etc/localmodel/ca"));
  }
});

test("further fields of a class are in all pods, and its labels in those that serve", () => {
  const pod = {
    dnsConfig: { options: [{ name: "ndots", value: "1" }] },
    hostAliases: [{ ip: "10.0.0.9", hostnames: ["registry.example"] }],
    preemptionPolicy: "Never" as const,
  };
  const podMetadata = { labels: { team: "ml", pool: "gpu" }, annotations: { mesh: "off" } };
  const own = modelWith({ podMetadata: { labels: { team: "own" } } });
  const { model, platform: merged } = underClass({ pod, podMetadata }, own);
  const { spec, metadata } = podTemplate(model, merged, inspection);
  const inspecting = inspectPod(model, merged) as unknown as { spec: typeof spec };
  const pulling = pullPod(model, merged, "node-1") as unknown as { spec: typeof spec };
  for (const one of [spec, inspecting.spec, pulling.spec]) assert.partialDeepStrictEqual(one, pod);
  assert.partialDeepStrictEqual(metadata.labels, { team: "own", pool: "gpu" });
  assert.partialDeepStrictEqual(metadata.annotations, { mesh: "off" });
});

test("what the operator owns in a pod no class changes", () => {
  for (const wrong of [
    { pod: { containers: [] } },
    { pod: { hostNetwork: true } },
    { pod: { serviceAccountName: "admin" } },
    { podMetadata: { labels: { "localmodel.dev/model": "other" } } },
  ]) {
    assert.equal(LocalModelClassSpec.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
  const podMetadata = { labels: { "app.kubernetes.io/component": "other" } };
  const { model, platform: merged } = underClass({ podMetadata });
  const { metadata } = podTemplate(model, merged, inspection);
  assert.equal(metadata.labels["app.kubernetes.io/component"], "model-server");
});

test("where the cluster chooses users, pods name none", () => {
  const { model, platform: merged } = underClass({ podSecurity: { chosenByCluster: true } });
  const { securityContext } = podTemplate(model, merged, inspection).spec;
  assert.ok(!("runAsUser" in securityContext) && !("fsGroup" in securityContext));
  const own = underClass({ podSecurity: { runAsUser: 2000 } });
  assert.equal(own.platform.podSecurity.runAsUser, 2000);
  assert.equal(own.platform.podSecurity.fsGroup, 10_001);
});

test("a class names the ServiceAccount of models that name none, and theirs are not made", () => {
  const { model } = underClass({ serviceAccountName: "models" });
  const { spec, metadata } = podTemplate(model, platform, inspection);
  assert.equal(spec.serviceAccountName, "models");
  assert.equal(serviceAccount(model), undefined);
  // Its role is for who fetches.
  assert.equal(metadata.annotations["eks.amazonaws.com/skip-containers"], "server");
  const own = underClass(
    { serviceAccountName: "models" },
    modelWith({ serviceAccountName: "mine" }),
  );
  assert.equal(own.model.spec.serviceAccountName, "mine");
});

test("what a LocalModel says itself comes before what its class gives", () => {
  const given = {
    priorityClassName: "low",
    resources: { requests: { memory: "1Gi" } },
    cache: { size: "10Gi", accessMode: "ReadWriteMany" as const },
  };
  const { model } = underClass(given);
  assert.equal(model.spec.priorityClassName, "low");
  assert.equal(model.spec.resources?.requests?.["memory"], "1Gi");
  assert.equal(model.spec.cache?.claimTemplate?.size, "10Gi");
  const own = LocalModelSpec.parse({
    source: { http },
    priorityClassName: "high",
    resources: { requests: { cpu: "2" } },
    cache: { claimName: "mine" },
  });
  const merged = mergedSpec(own, classWith(given));
  assert.equal(merged.priorityClassName, "high");
  assert.deepEqual(merged.resources, own.resources);
  assert.deepEqual(merged.cache, own.cache);
});

const revisionOf = (spec: LocalModelClassSpecInput) => {
  const { model, platform: merged } = underClass(spec);
  return platformRevision(model, merged);
};

test("pods follow a change of their class as they follow the platform, but not one of its rules", () => {
  assert.notEqual(revisionOf({}), revisionOf({ nodeSelector: { pool: "gpu" } }));
  assert.equal(revisionOf({}), revisionOf({ modelIds: ["{namespace}/*"], quota: { replicas: 1 } }));
});
