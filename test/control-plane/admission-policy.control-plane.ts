/**
 * The chart's policy for LocalModels on a real API server: what it lets through, what it refuses, and whether a
 * person understands why.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ApiStatusError } from "@localmodel/kube/wire/api-errors.ts";
import { Client } from "@localmodel/kube/wire/client.ts";
import { NAMESPACES } from "@localmodel/kube/objects/core-resources.ts";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { eventually } from "../support/eventually.ts";
import { CHART, type Helm, helmIn } from "../support/helm.ts";
import { valuesFile } from "../support/rendered-chart.ts";

const NAMESPACE = "models";
const PATH = `/apis/localmodel.dev/v1alpha1/namespaces/${NAMESPACE}/localmodels`;
const SHA256 = "a".repeat(64);
const DIGEST = `sha256:${SHA256}`;

const POLICY = {
  enabled: true,
  sources: {
    types: ["huggingFace", "http", "s3", "image"],
    huggingFaceRepos: ["Qwen", "my-org/my-model"],
    hosts: ["models.example.com", "*.example.org", "s3.eu-central-1.amazonaws.com"],
    imageRegistries: ["registry.example.com/models/"],
    requireSha256: true,
    requireImageDigest: true,
  },
  modelIds: [
    { ids: ["team-a/*", "gpt-4.1+"], namespaces: ["team-a"] },
    { ids: ["team-b/*"], namespaces: ["team-b", NAMESPACE] },
  ],
  limits: { replicas: 3, gpusPerReplica: 2, gpuResourceNames: ["nvidia.com/gpu"] },
};

type Spec = Readonly<Record<string, unknown>>;
const qwen = { huggingFace: { repo: "Qwen/Qwen3", file: "qwen3.gguf" }, sha256: SHA256 };
const http = (url: string) => ({ http: { url }, sha256: SHA256 });
const s3 = (more: object) => ({ s3: { bucket: "models", key: "a.gguf", ...more }, sha256: SHA256 });
const image = (reference: string) => ({ image: { reference, path: "a.gguf" }, sha256: SHA256 });

const allowed: Readonly<Record<string, Spec>> = {
  "a repository of an owner": { source: qwen },
  "one repository": {
    source: { huggingFace: { repo: "my-org/my-model", file: "a.gguf" }, sha256: SHA256 },
  },
  "ids that are kept for its namespace, or for nobody": {
    source: qwen,
    modelId: "team-b/chat",
    aliases: ["team-a", "gpt-411"],
  },
  "a host": { source: http("https://models.example.com/a.gguf") },
  "a host in other letters, with a port": { source: http("https://Models.Example.COM:8443/a") },
  "a host below a domain": { source: http("https://eu.example.org/a.gguf") },
  "Amazon in a region": { source: s3({ region: "eu-central-1" }) },
  "an S3 server": { source: s3({ endpoint: "https://minio.example.org:9000" }) },
  "an image by digest": { source: image(`registry.example.com/models/llama@${DIGEST}`) },
  "a mirror": {
    source: { ...qwen, mirrors: [{ http: { url: "https://models.example.com/a.gguf" } }] },
  },
  "a split file, all of whose parts are pinned": {
    source: {
      huggingFace: { repo: "Qwen/Qwen3", file: "a-00001-of-00002.gguf" },
      partsSha256: [SHA256, SHA256],
    },
  },
  "as much as there may be": {
    source: qwen,
    replicas: 3,
    gpu: { count: 2 },
    resources: { limits: { memory: "8Gi" }, requests: { cpu: "2" } },
    env: [
      { name: "HTTPS_PROXY", value: "http://proxy:3128" },
      { name: "NODE_EXTRA_CA_CERTS", value: "/etc/ca/ca.pem" },
      { name: "GGML_X", valueFrom: { secretKeyRef: { name: "proxy-login", key: "url" } } },
      { name: "GGML_Y", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    ],
  },
};

const refused: Readonly<Record<string, readonly [Spec, RegExp]>> = {
  "another kind of source": [
    { source: { persistentVolumeClaim: { claimName: "a", path: "a.gguf" }, sha256: SHA256 } },
    /spec\.source: weights must come from huggingFace or http or s3 or image in this cluster/,
  ],
  "another kind of mirror": [
    {
      source: {
        ...qwen,
        mirrors: [{ persistentVolumeClaim: { claimName: "a", path: "a.gguf" } }],
      },
    },
    /spec\.source: weights must come from huggingFace/,
  ],
  "an id of another namespace": [
    { source: qwen, modelId: "team-a/chat" },
    /ids like team-a\/\*, gpt-4\.1\+ are kept for team-a in this cluster/,
  ],
  "an alias of another namespace": [{ source: qwen, aliases: ["gpt-4.1+"] }, /are kept for team-a/],
  "an adapter's id of another namespace": [
    { source: qwen, adapters: [{ ...qwen, id: "team-a/tone" }] },
    /are kept for team-a/,
  ],
  "another repository": [
    { source: { huggingFace: { repo: "Qwenn/Qwen3", file: "a.gguf" }, sha256: SHA256 } },
    /repo: must be one of, or belong to one of: Qwen, my-org\/my-model/,
  ],
  "a repository that begins like an allowed one": [
    { source: { huggingFace: { repo: "my-org/my-model-2", file: "a.gguf" }, sha256: SHA256 } },
    /repo: must be one of/,
  ],
  "an adapter from elsewhere": [
    {
      source: qwen,
      adapters: [{ huggingFace: { repo: "other/lora", file: "a.gguf" }, sha256: SHA256 }],
    },
    /repo: must be one of/,
  ],
  "another host": [
    { source: http("https://models.example.com.evil.net/a.gguf") },
    /host of http and s3 sources must be one of: models\.example\.com, \*\.example\.org/,
  ],
  "a host that only ends like a domain": [
    { source: http("https://badexample.org/a.gguf") },
    /host of http/,
  ],
  "a mirror on another host": [
    { source: { ...qwen, mirrors: [{ http: { url: "http://169.254.169.254/a.gguf" } }] } },
    /host of http/,
  ],
  "Amazon in another region": [{ source: s3({}) }, /host of http/],
  "another S3 server": [{ source: s3({ endpoint: "https://minio.evil.net" }) }, /host of http/],
  "an image of another registry": [
    { source: image(`registry.example.com/models-of-others/llama@${DIGEST}`) },
    /image\.reference: must begin with one of: registry\.example\.com\/models/,
  ],
  "an image by tag": [
    { source: image("registry.example.com/models/llama:latest") },
    /must name the image by digest/,
  ],
  "no checksum": [
    { source: { huggingFace: { repo: "Qwen/Qwen3", file: "a.gguf" } } },
    /sha256: must be there/,
  ],
  "an adapter without a checksum": [
    { source: qwen, adapters: [{ huggingFace: { repo: "Qwen/lora", file: "a.gguf" } }] },
    /sha256: must be there, for adapters as well/,
  ],
  "a split file, only the first part of which is pinned": [
    {
      source: {
        huggingFace: { repo: "Qwen/Qwen3", file: "a-00001-of-00002.gguf" },
        sha256: SHA256,
      },
    },
    /partsSha256: must be there for a split GGUF/,
  ],
  "the same, written in another way": [
    { source: http("https://models.example.com/a%2D0%30001-of-00002.gguf?x=1") },
    /partsSha256: must be there for a split GGUF/,
  ],
  "too many replicas": [{ source: qwen, replicas: 4 }, /replicas: must be at most 3/],
  "too many GPUs": [{ source: qwen, gpu: { count: 3 } }, /gpu\.count: must be at most 2/],
  "devices that nobody counts": [
    { source: qwen, gpu: { resourceClaimTemplateName: "all" } },
    /resourceClaimTemplateName: may not be used where GPUs are limited/,
  ],
  "another device": [
    { source: qwen, gpu: { resourceName: "amd.com/gpu" } },
    /resourceName: must be one of: nvidia\.com\/gpu/,
  ],
  "a variable that runs code": [
    {
      source: qwen,
      env: [
        { name: "GGML_X", value: "1" },
        { name: "NODE_OPTIONS", value: "--require /x" },
        { name: "GGML_BACKEND_PATH", value: "/x.so" },
      ],
    },
    /spec\.env: may not set NODE_OPTIONS, GGML_BACKEND_PATH in this cluster; it may set GGML_\*, .*, none of these that names a file, and NODE_EXTRA_\*/,
  ],
  "a Secret of others": [
    {
      source: qwen,
      env: [{ name: "GGML_X", valueFrom: { secretKeyRef: { name: "others", key: "token" } } }],
    },
    /spec\.env: may not refer to the Secret others in this cluster; it may refer to proxy-\*/,
  ],
  "a ConfigMap": [
    {
      source: qwen,
      env: [{ name: "GGML_X", valueFrom: { configMapKeyRef: { name: "a", key: "b" } } }],
    },
    /spec\.env: may not refer to the ConfigMap a in this cluster; it may refer to none/,
  ],
  "devices past Kubernetes": [
    { source: qwen, env: [{ name: "NVIDIA_VISIBLE_DEVICES", value: "all" }] },
    /spec\.env: may not set NVIDIA_VISIBLE_DEVICES/,
  ],
};

suite("the policy for LocalModels", () => {
  let plane: ControlPlane;
  let transport: Transport;
  let helm: Helm;

  before(async () => {
    plane = await ControlPlane.start();
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    const client = new Client(transport, { fieldManager: "policy-test" });
    await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
    helm = helmIn(plane.folder, plane.kubeconfig);
    await helm("install", "localmodel", CHART, "--namespace", NAMESPACE);
    // One that was there before there were rules.
    await eventually("LocalModels to be served", async () => create("old", old));
    const values = await valuesFile(plane.folder, {
      admissionPolicy: POLICY,
      modelServer: { environmentPolicy: { variables: ["NODE_EXTRA_*"], secrets: ["proxy-*"] } },
    });
    await helm("upgrade", "localmodel", CHART, "--namespace", NAMESPACE, ...values);
    await eventually("the policy to be enforced", async () => {
      await assert.rejects(create("probe", { source: qwen, replicas: 9 }, "All"));
    });
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  for (const [name, spec] of Object.entries(allowed)) {
    test(`allows ${name}`, async () => {
      await create("new", spec, "All");
    });
  }

  for (const [name, [spec, complaint]] of Object.entries(refused)) {
    test(`refuses ${name}, and says why`, async () => {
      await assert.rejects(create("new", spec, "All"), (error) => {
        assert.ok(error instanceof ApiStatusError);
        assert.match(error.message, complaint);
        return error.code === 422;
      });
    });
  }

  test("refuses to scale beyond the limit, and lets others scale", async () => {
    await scale(3);
    await eventually("the second policy to be enforced", async () => {
      await assert.rejects(scale(4), /spec\.replicas: must be at most 3/);
    });
  });

  test("lets what was there before go on, be labelled and be deleted, but not be changed", async () => {
    await patch({ metadata: { labels: { team: "search" }, finalizers: ["example.com/wait"] } });
    await assert.rejects(patch({ spec: { modelId: "other" } }), /spec\.source/);
    await transport.json({ method: "DELETE", path: `${PATH}/old` });
    await patch({ metadata: { finalizers: null } });
    await eventually("it to be gone", async () => {
      await assert.rejects(transport.json({ method: "GET", path: `${PATH}/old` }), { code: 404 });
    });
  });

  test("is about spec alone: no rule of it has a mistake that the API server can see", async () => {
    const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    const { items } = await transport.json<{ items: readonly { status?: unknown }[] }>({
      method: "GET",
      path: policies,
    });
    assert.equal(items.length, 2);
    for (const { status } of items) assert.doesNotMatch(JSON.stringify(status ?? {}), /rror/);
  });

  const old = { source: { persistentVolumeClaim: { claimName: "a", path: "a.gguf" } } };

  async function create(name: string, spec: Spec, dryRun?: "All"): Promise<void> {
    await transport.json({
      method: "POST",
      path: PATH,
      query: { fieldValidation: "Strict", ...(dryRun && { dryRun }) },
      body: {
        apiVersion: "localmodel.dev/v1alpha1",
        kind: "LocalModel",
        metadata: { name, namespace: NAMESPACE },
        spec,
      },
    });
  }

  async function patch(body: object): Promise<void> {
    await transport.json({
      method: "PATCH",
      path: `${PATH}/old`,
      body,
      contentType: "application/merge-patch+json",
    });
  }

  async function scale(replicas: number): Promise<void> {
    await transport.json({
      method: "PATCH",
      path: `${PATH}/old/scale`,
      body: { spec: { replicas } },
      contentType: "application/merge-patch+json",
    });
  }
});
