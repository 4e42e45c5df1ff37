import assert from "node:assert/strict";
import { serverKeyFor, serverKeyHash } from "@localmodel/localmodel/contracts/server-key.ts";
import { test } from "node:test";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { FetchConfig } from "@localmodel/localmodel/contracts/fetch-config.ts";
import {
  LocalModelSpec,
  type LocalModelSpecInput,
} from "@localmodel/localmodel/resource/localmodel.ts";
import { PROMPTS_FOLDER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import {
  SERVER_CONFIG_VARIABLE,
  ServerConfig,
} from "@localmodel/localmodel/contracts/server-config.ts";
import fc from "fast-check";
import { arbitraryInput } from "../../../test/support/schema-arbitrary.ts";
import { desiredObjects, type Phase } from "./desired.ts";
import { http, inspection, modelWith, platform } from "../fixtures/models.ts";
import type { Model } from "../model/model.ts";
import { podTemplate } from "../objects/pod-template.ts";
import { unsupported } from "./unsupported.ts";

type PodSpec = {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
  readonly affinity?: object;
  readonly tolerations?: readonly { readonly key?: string }[];
  readonly resourceClaims?: readonly object[];
};
type Container = {
  readonly name: string;
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly subPath?: string;
  }[];
  readonly resources: {
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
    readonly claims?: readonly object[];
  };
};

type Case = "serve" | "inspect" | "makeRoom";

function phaseOf(model: Model, what: Case): Phase {
  if (what === "inspect") return { phase: "inspect" };
  const template = podTemplate(model, platform, inspection);
  return {
    phase: "serve",
    template,
    makesRoom: what === "makeRoom" ? 1 : 0,
    platform: "p1",
    isUpgrade: false,
  };
}

const objectsOf = (model: Model, what: Case = "serve") =>
  desiredObjects(model, platform, phaseOf(model, what));

function objectOf(model: Model, kind: string, what?: Case): KubeObject {
  const found = objectsOf(model, what).find((it) => it.resource.kind === kind);
  assert.ok(found, `no ${kind}`);
  return found.configuration;
}

function deploymentOf(model: Model, what?: Case) {
  const { spec } = objectOf(model, "Deployment", what) as unknown as {
    readonly spec: {
      readonly replicas: number;
      readonly strategy: { readonly rollingUpdate: object };
      readonly template: { readonly metadata: KubeObject["metadata"]; readonly spec: PodSpec };
    };
  };
  return spec;
}

function podOf(spec: Partial<LocalModelSpecInput>): PodSpec {
  return deploymentOf(modelWith(spec)).template.spec;
}

function partsOf(spec: Partial<LocalModelSpecInput>) {
  const pod = podOf(spec);
  const [fetch] = pod.initContainers ?? [];
  const [server] = pod.containers;
  assert.ok(fetch && server);
  return { pod, fetch, server };
}

const configOf = ({ env }: Container): unknown => JSON.parse(env[0]?.value ?? "");

test("a model has a Deployment, a Service, a budget and an account, all owned by it", () => {
  const objects = objectsOf(modelWith());
  assert.deepEqual(
    objects.map(({ resource }) => resource.kind),
    ["ServiceAccount", "Service", "PodDisruptionBudget", "Deployment"],
  );
  for (const { configuration } of objects) {
    assert.equal(configuration.metadata.name, "localmodel-llama");
    assert.deepEqual(configuration.metadata.ownerReferences?.[0]?.uid, "u-1");
    assert.equal(configuration.metadata.labels?.["localmodel.dev/model"], "llama");
  }
});

test("before anything is known of the weights there is an inspect pod and no Deployment", () => {
  const kinds = objectsOf(modelWith(), "inspect");
  assert.deepEqual(
    kinds.map(({ resource }) => resource.kind),
    ["ServiceAccount", "Service", "PodDisruptionBudget", "Pod"],
  );
});

test("a claim is made where the cache asks for one, and mounted once for all who name it", () => {
  const cache = { claimTemplate: { size: "10Gi", accessMode: "ReadWriteMany" as const } };
  const model = modelWith({
    cache,
    source: { persistentVolumeClaim: { claimName: "localmodel-llama", path: "a/b.gguf" } },
  });
  const { spec } = objectOf(model, "PersistentVolumeClaim") as unknown as { readonly spec: object };
  assert.deepEqual(spec, {
    accessModes: ["ReadWriteMany"],
    resources: { requests: { storage: "10Gi" } },
  });
  const { volumes, initContainers } = deploymentOf(model).template.spec;
  const claims = volumes.filter((volume) => "persistentVolumeClaim" in volume);
  assert.deepEqual(claims, [
    { name: "claim-0", persistentVolumeClaim: { claimName: "localmodel-llama" } },
  ]);
  const mounts = initContainers?.[0]?.volumeMounts.filter(({ name }) => name === "claim-0") ?? [];
  assert.deepEqual(
    mounts.map(({ mountPath, readOnly }) => [mountPath, readOnly]),
    [
      ["/var/cache/localmodel", undefined],
      ["/var/lib/localmodel/volumes/weights-0", true],
    ],
  );
});

test("volumes are files to the fetcher, and Secrets are seen by nobody else", () => {
  const { pod, fetch, server } = partsOf({
    source: {
      image: { reference: "registry.example/m@sha256:0", path: "m.gguf", pullPolicy: "Never" },
      sha256: "a".repeat(64),
      mirrors: [
        { huggingFace: { repo: "a/b", file: "m.gguf", tokenSecretRef: { name: "hf", key: "k" } } },
      ],
    },
    adapters: [
      { http: { ...http, headersSecretRef: { name: "headers" } }, scale: 0.5, id: "tone" },
    ],
  });
  const { files } = FetchConfig.parse(configOf(fetch));
  assert.deepEqual(
    files.map(({ role, source }) => [role, source.file?.path ?? source.http?.url]),
    [
      ["weights", "/var/lib/localmodel/volumes/weights-0/m.gguf"],
      ["adapter-0", http.url],
    ],
  );
  assert.deepEqual(
    pod.volumes.filter(({ name }) => /^(secret|image)/.test(name)),
    [
      {
        name: "image-0",
        image: { reference: "registry.example/m@sha256:0", pullPolicy: "Never" },
      },
      {
        name: "secret-weights-1",
        secret: {
          secretName: "hf",
          items: [{ key: "k", path: "token" }],
          optional: true,
          defaultMode: 0o440,
        },
      },
      {
        name: "secret-adapter-0-0",
        secret: { secretName: "headers", optional: true, defaultMode: 0o440 },
      },
    ],
  );
  assert.ok(server.volumeMounts.every(({ name }) => !name.startsWith("secret")));
  assert.ok(server.volumeMounts.every(({ name, readOnly }) => readOnly === true || name === "tmp"));
  const config = ServerConfig.parse(configOf(server));
  assert.equal(config.weightsPath, files[0]?.path);
  assert.deepEqual(config.adapters, [{ id: "tone", path: files[1]?.path, scale: 0.5 }]);
});

test("a projector is fetched like the weights, from volumes too, and the server is told where it is", () => {
  const url = "https://models.example.com/tone.gguf";
  const asked: Partial<LocalModelSpecInput> = {
    projector: { persistentVolumeClaim: { claimName: "models", path: "mmproj.gguf" } },
    adapters: [{ http: { url }, scale: 1 }],
    imageUrls: { allowedHosts: ["images.example.com"] },
    draft: { http: { url } },
  };
  const { fetch, server } = partsOf(asked);
  const { files } = FetchConfig.parse(configOf(fetch));
  assert.deepEqual(
    files.map(({ role }) => role),
    ["weights", "projector", "draft", "adapter-0"],
  );
  const onVolume = "/var/lib/localmodel/volumes/projector-0";
  assert.equal(files[1]?.source.file?.path, `${onVolume}/mmproj.gguf`);
  assert.ok(server.volumeMounts.some(({ mountPath }) => mountPath === onVolume));
  const config = ServerConfig.parse(configOf(server));
  assert.equal(config.projectorPath, files[1]?.path);
  assert.deepEqual(
    config.adapters.map(({ path }) => path),
    [files[3]?.path],
  );
  assert.equal(config.draftPath, files[2]?.path);
  assert.deepEqual(config.imageHosts, ["images.example.com"]);
  const [seeing, blind] = [server, partsOf({}).server].map(({ resources }) =>
    mebibytes(resources.limits["memory"]),
  );
  assert.ok((seeing ?? 0) > (blind ?? 0) + 1024, "pictures take memory");
});

test("the server answers to the ids the model holds", () => {
  const claim = { held: ["alias"], lost: [{ id: "llama", holder: "other/x" }] };
  const model = modelWith({ aliases: ["alias"] }, { claim });
  const server = deploymentOf(model).template.spec.containers[0] as Container;
  assert.equal(ServerConfig.parse(configOf(server)).modelId, "alias");
  const adapters = [{ id: "tone", file: { path: "/models/tone.gguf" }, scale: 1 }];
  const left = modelWith({ adapters }, { claim: { ...claim, held: ["tone"] } });
  const told = deploymentOf(left).template.spec.containers[0] as Container;
  assert.equal(ServerConfig.parse(configOf(told)).modelId, "llama", "an adapter is not the model");
  assert.equal(deploymentOf(modelWith({}, { claim: { ...claim, held: [] } })).replicas, 0);
});

test("pods do not change when somebody else claims an alias", () => {
  const spec = { aliases: ["chat", "small"] };
  const claim = { held: ["llama", "small"], lost: [{ id: "chat", holder: "other/x" }] };
  const alone = modelWith(spec, { claim: { held: ["llama", "chat", "small"], lost: [] } });
  assert.deepEqual(deploymentOf(modelWith(spec, { claim })), deploymentOf(alone));
});

test("memory is computed from the header, and what the author says comes first", () => {
  const computed = partsOf({}).server.resources;
  assert.match(computed.requests["memory"] ?? "", /^\d+Mi$/);
  assert.equal(computed.limits["memory"], computed.requests["memory"]);
  assert.equal(computed.requests["cpu"], "1");
  const said = partsOf({ resources: { requests: { memory: "3Gi", cpu: 2 } } }).server.resources;
  assert.deepEqual(
    { ...said, requests: { ...said.requests, "ephemeral-storage": undefined } },
    { requests: { cpu: "2", memory: "3Gi", "ephemeral-storage": undefined }, limits: {} },
  );
  for (const [engine, cpu] of [
    [{ threads: 3 }, "3"],
    [{ threads: 3, promptThreads: 8 }, "8"],
    [{ threads: 3, promptThreads: 2 }, "3"],
  ] as const) {
    assert.equal(partsOf({ engine }).server.resources.requests["cpu"], cpu);
  }
  const onlyLimit = partsOf({ resources: { limits: { cpu: "4" } } });
  assert.deepEqual(Object.keys(onlyLimit.server.resources.requests), [
    "memory",
    "ephemeral-storage",
  ]);
  assert.equal(onlyLimit.fetch.resources.limits["cpu"], "4");
});

const term = (zone: string) => ({
  matchExpressions: [{ key: "zone", operator: "In" as const, values: [zone] }],
});

const mebibytes = (text = "") => Number(text.replace("Mi", ""));

test("a GPU is asked for by name, count, memory and product, in every alternative of the author", () => {
  const { pod, server } = partsOf({
    gpu: { count: 2, memory: "40Gi", products: ["A100", "H100"] },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [term("a"), term("b")],
        },
      },
    },
  });
  const added = [
    { key: "nvidia.com/gpu.memory", operator: "Gt", values: ["40959"] },
    { key: "nvidia.com/gpu.product", operator: "In", values: ["A100", "H100"] },
  ];
  assert.deepEqual(pod.affinity, {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: ["a", "b"].map((zone) => ({
          matchExpressions: [...term(zone).matchExpressions, ...added],
        })),
      },
    },
  });
  assert.equal(server.image, "server:cuda");
  assert.equal(server.resources.limits["nvidia.com/gpu"], "2");
  assert.equal(server.resources.requests["nvidia.com/gpu"], "2");
  assert.deepEqual(pod.tolerations, [
    { key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" },
  ]);
  assert.ok(
    mebibytes(server.resources.requests["memory"]) < mebibytes(server.resources.limits["memory"]),
  );
});

const acceleratorTold = (spec: Partial<LocalModelSpecInput>) =>
  ServerConfig.parse(configOf(partsOf(spec).server)).accelerator;

test("a server is told whether it may do without the devices that it was given", () => {
  assert.equal(acceleratorTold({}), undefined);
  assert.equal(acceleratorTold({ gpu: {} }), "Required");
  assert.equal(acceleratorTold({ gpu: { requirement: "Preferred" } }), "Preferred");
  assert.equal(acceleratorTold({ gpu: {}, engine: { gpuLayers: 0 } }), undefined);
});

test("slices, other vendors and claim templates go by their own names", () => {
  const mig = partsOf({ gpu: { resourceName: "nvidia.com/mig-1g.10gb", memory: "9Gi" } });
  assert.match(JSON.stringify(mig.pod.affinity), /"nvidia.com\/mig-1g.10gb.memory"/);
  assert.deepEqual(
    mig.pod.tolerations?.map(({ key }) => key),
    ["nvidia.com/mig-1g.10gb", "nvidia.com/gpu"],
  );
  const amd = partsOf({ gpu: { resourceName: "amd.com/gpu" } });
  assert.equal(amd.server.image, "server:vulkan");
  assert.equal(amd.server.resources.limits["amd.com/gpu"], "1");
  const claimed = partsOf({ gpu: { resourceClaimTemplateName: "big" } });
  assert.deepEqual(claimed.pod.resourceClaims, [{ name: "gpu", resourceClaimTemplateName: "big" }]);
  assert.deepEqual(claimed.server.resources.claims, [{ name: "gpu" }]);
  assert.equal(claimed.server.resources.limits["nvidia.com/gpu"], undefined);
});

const strategyOf = (spec: Partial<LocalModelSpecInput>, makesRoom: boolean) =>
  deploymentOf(modelWith(spec), makesRoom ? "makeRoom" : "serve").strategy.rollingUpdate;

test("a roll starts the new pod first, except where it could wait for ever", () => {
  const claim = { cache: { claimTemplate: { size: "1Gi" } } };
  assert.deepEqual(strategyOf({}, false), { maxSurge: 1, maxUnavailable: 0 });
  assert.deepEqual(strategyOf({}, true), { maxSurge: 1, maxUnavailable: 1 });
  assert.deepEqual(strategyOf(claim, false), { maxSurge: 0, maxUnavailable: 1 });
  const replace = { rollout: { strategy: "Replace" as const } };
  assert.deepEqual(strategyOf(replace, false), { maxSurge: 0, maxUnavailable: 1 });
});

test("a server has time to finish: longer than what it is told to drain for", () => {
  const { pod, server } = partsOf({});
  const { drainTimeoutMs } = ServerConfig.parse(configOf(server));
  assert.equal(drainTimeoutMs, 600_000);
  assert.ok(pod.terminationGracePeriodSeconds * 1000 > drainTimeoutMs + 5000);
  const long = partsOf({ rollout: { drainSeconds: 3600 } });
  assert.equal(ServerConfig.parse(configOf(long.server)).drainTimeoutMs, 3_600_000);
  assert.ok(long.pod.terminationGracePeriodSeconds > 3605);
});

test("conversations are kept where the server may write, in the claim that was named or as long as the pod", () => {
  const plain = partsOf({});
  assert.ok(!JSON.stringify(plain.pod).includes("prompts"));
  const keeping = (claim: { claimName?: string }) =>
    partsOf({ engine: { promptCacheDisk: { maxMiB: 1024, ...claim } } });
  const mountIn = ({ server }: ReturnType<typeof partsOf>) =>
    server.volumeMounts.find(({ mountPath }) => mountPath === PROMPTS_FOLDER);
  const volumeIn = (parts: ReturnType<typeof partsOf>) =>
    parts.pod.volumes.find(({ name }) => name === mountIn(parts)?.name);

  const own = keeping({});
  assert.deepEqual(volumeIn(own), { name: "prompts", emptyDir: { sizeLimit: "5120Mi" } });
  const claimed = keeping({ claimName: "talks" });
  assert.deepEqual(volumeIn(claimed)?.["persistentVolumeClaim"], { claimName: "talks" });
  for (const parts of [own, claimed]) {
    assert.notEqual(mountIn(parts)?.readOnly, true);
    const { engine } = ServerConfig.parse(configOf(parts.server));
    assert.equal(engine.promptCacheDisk?.directory, PROMPTS_FOLDER);
  }
});

test("labels for queues go from the LocalModel to its Deployment", () => {
  const labels = { "kueue.x-k8s.io/queue-name": "gpu", other: "x" };
  const { metadata } = objectOf(modelWith({}, { labels }), "Deployment");
  assert.equal(metadata.labels?.["kueue.x-k8s.io/queue-name"], "gpu");
  assert.equal(metadata.labels?.["other"], undefined);
});

test("only what runs in a cluster is taken", () => {
  const file = modelWith({ source: { file: { path: "/x.gguf" } } });
  assert.equal(unsupported(file, platform)?.reason, "UnsupportedSource");
  const amd = modelWith({ gpu: { resourceName: "amd.com/gpu", memory: "16Gi" } });
  assert.equal(unsupported(amd, platform)?.reason, "Unsupported");
  assert.equal(unsupported(modelWith(), platform), undefined);
});

const specs = arbitraryInput(LocalModelSpec);
const cases = fc.constantFrom<Case>("serve", "makeRoom", "inspect");

test("for any model the objects follow from it alone", () => {
  fc.assert(
    fc.property(specs, cases, (spec, what) => {
      const once = JSON.stringify(objectsOf(modelWith(spec), what));
      const again = JSON.stringify(objectsOf(modelWith(spec), what));
      assert.equal(once, again);
    }),
  );
});

test("for any model its pods are restricted, and mount only volumes they have", () => {
  fc.assert(
    fc.property(specs, cases, (spec, what) => {
      const model = modelWith(spec);
      const pod =
        what !== "inspect"
          ? deploymentOf(model).template.spec
          : (objectOf(model, "Pod", what) as unknown as { readonly spec: PodSpec }).spec;
      requireRestricted(pod);
    }),
  );
});

function requireRestricted(pod: PodSpec): void {
  assert.equal(pod.automountServiceAccountToken, false);
  assert.equal(pod.securityContext["runAsNonRoot"], true);
  assert.deepEqual(pod.securityContext["seccompProfile"], { type: "RuntimeDefault" });
  const names = pod.volumes.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { securityContext, volumeMounts, env } of [
    ...(pod.initContainers ?? []),
    ...pod.containers,
  ]) {
    assert.equal(securityContext["allowPrivilegeEscalation"], false);
    assert.equal(securityContext["readOnlyRootFilesystem"], true);
    assert.deepEqual(securityContext["capabilities"], { drop: ["ALL"] });
    assert.ok(volumeMounts.every(({ name }) => names.includes(name)));
    const paths = volumeMounts.map(({ mountPath }) => mountPath);
    assert.equal(new Set(paths).size, paths.length);
    const variables = env.map(({ name }) => name);
    assert.equal(new Set(variables).size, variables.length);
  }
}

/** Where the server is told to keep what the driver compiles. */
function keptBy(spec: Partial<LocalModelSpecInput>) {
  const { pod, server } = partsOf(spec);
  const path = server.env.find(({ name }) => name === "CUDA_CACHE_PATH")?.value;
  const mount = server.volumeMounts.find(({ mountPath }) => mountPath === path);
  const volume = pod.volumes.find(({ name }) => name === mount?.name);
  return { mount, volume };
}

test("code that NVIDIA's driver compiles is kept on the claim, or outlives containers, and nobody else's is", () => {
  const claimTemplate = { size: "10Gi" };
  const own = keptBy({ gpu: {}, cache: { claimTemplate } });
  assert.deepEqual(own.volume?.["persistentVolumeClaim"], { claimName: "localmodel-llama" });
  assert.equal(own.mount?.subPath, "compiled");
  assert.equal(own.mount.readOnly, undefined);
  for (const spec of [{ gpu: {} }, { gpu: {}, cache: { claimName: "shared" } }]) {
    const { volume, mount } = keptBy(spec);
    assert.deepEqual(volume?.["emptyDir"], { sizeLimit: "2Gi" });
    assert.equal(mount?.subPath, undefined);
  }
  for (const spec of [{}, { gpu: { resourceName: "amd.com/gpu" } }, { gpu: { count: 0 } }]) {
    assert.equal(keptBy({ ...spec, cache: { claimTemplate } }).mount, undefined);
  }
});

test("its author may have such code kept on a claim of his, in a folder of the LocalModel's, or in no claim at all", () => {
  const shared = keptBy({ gpu: {}, cache: { claimName: "shared", compiledCode: "OnClaim" } });
  assert.deepEqual(shared.volume?.["persistentVolumeClaim"], { claimName: "shared" });
  assert.equal(shared.mount?.subPath, "compiled/llama");
  assert.equal(shared.mount.readOnly, undefined);
  const claimTemplate = { size: "10Gi" };
  const { volume } = keptBy({ gpu: {}, cache: { claimTemplate, compiledCode: "InPod" } });
  assert.deepEqual(volume?.["emptyDir"], { sizeLimit: "2Gi" });
});

test("servers get OpenTelemetry's variables of the operator, say whose pod they are, and serve metrics", () => {
  const modelEnvironment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
    OTEL_RESOURCE_ATTRIBUTES: "team=a",
    OTEL_TRACES_SAMPLER: "always_on",
  };
  const env = [{ name: "OTEL_TRACES_SAMPLER", value: "always_off" }];
  const { spec } = podTemplate(modelWith({ env }), { ...platform, modelEnvironment }, inspection);
  const [server] = spec.containers as unknown as readonly Container[];
  const values = new Map(server?.env.map(({ name, value }) => [name, value]));
  assert.equal(values.get("OTEL_EXPORTER_OTLP_ENDPOINT"), "http://collector:4318");
  assert.equal(
    values.get("OTEL_RESOURCE_ATTRIBUTES"),
    "team=a,k8s.namespace.name=default,k8s.pod.name=$(POD_NAME),localmodel.name=llama",
  );
  // The model's author has the last word.
  assert.equal(values.get("OTEL_TRACES_SAMPLER"), "always_off");
  const names = server?.env.map(({ name }) => name) ?? [];
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.indexOf("POD_NAME") < names.indexOf("OTEL_RESOURCE_ATTRIBUTES"));
  const { metricsPort } = configOf(server as Container) as { metricsPort: number };
  const ports = spec.containers[0]?.ports.map(({ name, containerPort }) => [name, containerPort]);
  assert.deepEqual(ports, [
    ["http", 8080],
    ["metrics", metricsPort],
  ]);
});

test("a server knows the hash of a key of its own, and its pod holds nothing that opens it", () => {
  const serverSecrets = ["newer", "older"];
  const hashesOf = (name: string) => {
    const { spec } = podTemplate(
      modelWith({}, { name }),
      { ...platform, serverSecrets },
      inspection,
    );
    const key = serverKeyFor("newer", `default/${name}`);
    const text = JSON.stringify(spec);
    for (const secret of [...serverSecrets, key]) assert.ok(!text.includes(`"${secret}`), secret);
    const [server] = spec.containers as unknown as readonly Container[];
    const { keySha256 } = configOf(server as Container) as { keySha256: readonly string[] };
    assert.equal(keySha256[0], serverKeyHash(key));
    return keySha256;
  };
  const hashes = [...hashesOf("llama"), ...hashesOf("qwen")];
  assert.equal(new Set(hashes).size, 4);
});

test("without such variables a server's environment has none of them", () => {
  const { spec } = podTemplate(modelWith(), platform, inspection);
  const names = spec.containers[0]?.env.map(({ name }) => name);
  assert.deepEqual(names, ["MODEL_SERVER_CONFIG", "HOME"]);
});

type InspectPod = { readonly spec: PodSpec & { readonly affinity?: object } };
function inspectPodOf(model: Model, by = platform): InspectPod["spec"] {
  const pod = desiredObjects(model, by, { phase: "inspect" }).find(
    ({ resource }) => resource.kind === "Pod",
  );
  assert.ok(pod);
  return (pod.configuration as unknown as InspectPod).spec;
}

test("an inspect pod runs the image for CPUs wherever the model's pods may run", () => {
  const pod = inspectPodOf(modelWith({ gpu: {} }));
  assert.equal(pod.containers[0]?.image, "server:cpu");
  assert.equal(pod.containers[0]?.resources.limits["nvidia.com/gpu"], undefined);
  assert.deepEqual(pod.tolerations, [
    { key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" },
  ]);
});

const archOf = (spec: object) =>
  /kubernetes.io\/arch","operator":"In","values":\[(.*?)\]/.exec(JSON.stringify(spec))?.[1];

test("pods go to nodes that can run their image", () => {
  const by = { ...platform, architectures: { cuda: ["amd64"], cpu: ["amd64", "arm64"] } };
  const served = (spec: Partial<LocalModelSpecInput>) =>
    podTemplate(modelWith(spec), by, inspection).spec;
  assert.equal(archOf(served({ gpu: {} })), '"amd64"');
  assert.equal(archOf(served({})), '"amd64","arm64"');
  assert.equal(archOf(served({ gpu: { resourceName: "amd.com/gpu" } })), undefined);
  assert.equal(archOf(served({ gpu: {}, runtime: { image: "server:1" } })), undefined);
  assert.equal(archOf(inspectPodOf(modelWith({ gpu: {} }), by)), '"amd64","arm64"');
});

test("nodes that say their driver is older than the image needs are left out, where devices are required", () => {
  const by = { ...platform, leastCudaDriver: 580 };
  const chosen = (spec: Partial<LocalModelSpecInput>, on = by) => {
    const text = JSON.stringify(podTemplate(modelWith(spec), on, inspection).spec);
    const said = /driver(-version)?.major","operator":"(Gt","values":\["579"\]|DoesNotExist)/g;
    return text.match(said)?.length ?? 0;
  };
  // One label, or the other where that is missing, or none; in each term of device memory's alternatives.
  assert.equal(chosen({ gpu: {} }), 10);
  assert.equal(chosen({ gpu: { memory: "8Gi" } }), 5);
  for (const spec of [
    {},
    { gpu: { resourceName: "amd.com/gpu" } },
    { gpu: { requirement: "Preferred" as const } },
    { gpu: {}, runtime: { image: "server:1" } },
  ]) {
    assert.equal(chosen(spec), 0, JSON.stringify(spec));
  }
  assert.equal(chosen({ gpu: {} }, { ...by, leastCudaDriver: 0 }), 0);
});

const from = (driver: number) => [
  [`driver-version Gt ${driver - 1}`],
  ["driver-version DoesNotExist", `driver Gt ${driver - 1}`],
];
const unknown = ["driver-version DoesNotExist", "driver DoesNotExist"];

test("of two images for NVIDIA's devices each has its nodes, by driver and devices", () => {
  const images = { ...platform.images, cuda12: "server:cuda12" };
  const by = { ...platform, images, leastCudaDriver: 580, leastCuda12Driver: 550 };
  const termsWith = (cudaImage: "cuda" | "cuda12") => {
    const { spec } = podTemplate(
      modelWith({ gpu: { memory: "8Gi" } }),
      { ...by, cudaImage },
      inspection,
    );
    const { affinity } = spec as unknown as { affinity: Affinity };
    const { nodeSelectorTerms } =
      affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    return nodeSelectorTerms.map(({ matchExpressions }) =>
      matchExpressions
        .filter(({ key }) => !key.endsWith("gpu.memory"))
        .map(({ key, operator, values }) =>
          `${key.split(".").at(-2)} ${operator} ${values.join(",")}`.trim(),
        ),
    );
  };
  assert.deepEqual(termsWith("cuda"), [
    ...from(590).flatMap((driver) => [
      [...driver, "compute Gt 7"],
      [...driver, "compute In 7", "compute Gt 4"],
    ]),
    ...from(580).flatMap((driver) => [
      [...driver, "compute In 8", "compute In 6,9"],
      [...driver, "compute In 12", "compute In 0,1"],
    ]),
    ...from(580).map((driver) => [...driver, "compute DoesNotExist"]),
    [...unknown, "compute Gt 7"],
    [...unknown, "compute In 7", "compute Gt 4"],
    [...unknown, "compute DoesNotExist"],
  ]);
  assert.deepEqual(termsWith("cuda12"), [
    ...from(550).flatMap((driver) => [
      [...driver, "compute Gt 5"],
      [...driver, "compute In 5"],
    ]),
    ...from(550).map((driver) => [...driver, "compute DoesNotExist"]),
    [...unknown, "compute Gt 5"],
    [...unknown, "compute In 5"],
    [...unknown, "compute DoesNotExist"],
  ]);
});

type Affinity = {
  readonly nodeAffinity: {
    readonly requiredDuringSchedulingIgnoredDuringExecution: {
      readonly nodeSelectorTerms: readonly {
        readonly matchExpressions: readonly {
          readonly key: string;
          readonly operator: string;
          readonly values: readonly string[];
        }[];
      }[];
    };
  };
};

const diskOf = (spec: Partial<LocalModelSpecInput>) =>
  partsOf(spec).server.resources.requests["ephemeral-storage"];

test("a node has to have room for weights that go with the pod, and for no others", () => {
  assert.equal(diskOf({}), "94Mi");
  assert.equal(diskOf({ cache: { claimName: "shared" } }), undefined);
  const image = { reference: "registry.example/m:1", path: "m.gguf" };
  assert.equal(diskOf({ source: { image } }), undefined);
  const requests = { "ephemeral-storage": "1Gi", memory: "1Gi" };
  assert.equal(diskOf({ resources: { requests } }), "1Gi");
  assert.equal(diskOf({ resources: { limits: requests } }), undefined, "a limit says it as well");
  const by = { ...platform, ephemeralStorageRequests: false };
  const pod = podTemplate(modelWith(), by, inspection).spec;
  assert.doesNotMatch(JSON.stringify(pod), /ephemeral-storage/);
});

test("whom pods run as is the platform's to say, and a model may add groups", () => {
  const chosen = { runAsUser: null, runAsGroup: null, fsGroup: null, supplementalGroups: [44] };
  const { spec } = podTemplate(
    modelWith({ supplementalGroups: [109, 44] }),
    { ...platform, podSecurity: chosen },
    inspection,
  );
  assert.deepEqual(spec.securityContext, {
    runAsNonRoot: true,
    supplementalGroups: [44, 109],
    seccompProfile: { type: "RuntimeDefault" },
  });
});

test("proxies and authorities of the platform reach what fetches and inspects, and not the server", () => {
  const by = {
    ...platform,
    fetch: {
      environment: { HTTPS_PROXY: "http://proxy:3128", HF_ENDPOINT: "https://hf.example" },
      caBundle: { configMap: "trust", key: "bundle.pem" },
    },
  };
  const { spec } = podTemplate(modelWith(), by, inspection);
  const [fetch] = spec.initContainers as unknown as readonly Container[];
  const [server] = spec.containers as unknown as readonly Container[];
  for (const one of [fetch, inspectPodOf(modelWith(), by).containers[0]]) {
    const values = new Map(one?.env.map(({ name, value }) => [name, value]));
    assert.equal(values.get("HTTPS_PROXY"), "http://proxy:3128");
    assert.equal(values.get("HF_ENDPOINT"), "https://hf.example");
    assert.equal(values.get("NODE_EXTRA_CA_CERTS"), "/etc/localmodel/ca/ca.crt");
    assert.ok(one?.volumeMounts.some(({ mountPath }) => mountPath === "/etc/localmodel/ca"));
  }
  assert.doesNotMatch(JSON.stringify(server), /PROXY|CA_CERTS|ca-bundle/);
});

test("only the servers of a model that sleeps in its pods end their engines", () => {
  assert.equal(sleepOf({ sleep: "unload", idleSeconds: 60 }).sleepAfterSeconds, 60);
  assert.equal(sleepOf({ sleep: "unload", minReplicas: 1 }).sleepAfterSeconds, undefined);
  assert.equal(sleepOf({ idleSeconds: 60 }).sleepAfterSeconds, undefined);
  assert.equal(sleepOf(undefined).sleepAfterSeconds, undefined);
  assert.equal(sleepOf({ sleep: "unload" }).startsAsleep, true);
  assert.equal(sleepOf({ sleep: "unload", minReplicas: 1 }).startsAsleep, undefined);
});

test("the servers of a model that sleeps in its pods know in which times of the week they do not", () => {
  const schedule = [{ from: "08:00", to: "18:00" }];
  const known = [{ from: "08:00", to: "18:00", timeZone: "UTC", minReplicas: 1 }];
  assert.deepEqual(sleepOf({ sleep: "unload", schedule }).awakeSchedule, known);
  assert.equal(sleepOf({ schedule }).awakeSchedule, undefined);
  assert.equal(sleepOf({ sleep: "unload" }).awakeSchedule, undefined);
});

function sleepOf(scaling: LocalModelSpecInput["scaling"]): Partial<ServerConfig> {
  const template = podTemplate(modelWith({ ...(scaling && { scaling }) }), platform, inspection);
  const [container] = template.spec.containers;
  const variable = container?.env.find(({ name }) => name === SERVER_CONFIG_VARIABLE);
  return JSON.parse((variable as { value: string }).value) as Partial<ServerConfig>;
}
