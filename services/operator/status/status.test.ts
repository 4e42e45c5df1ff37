import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { CONDITION_REASONS } from "@localmodel/localmodel/cluster/condition-reasons.ts";
import { CONDITION_TYPES, LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";
import { terminationMessage } from "@localmodel/localmodel/contracts/termination.ts";
import fc from "fast-check";
import type { Decision } from "../decide/decide.ts";
import {
  containerStatus,
  inspection,
  modelWith,
  observedWith,
  podWith,
  readyPod,
  unscheduledPod,
} from "../fixtures/models.ts";
import type { Model } from "../model/model.ts";
import type { Observed } from "../model/observed.ts";
import { reportedStatus, unreadableStatus } from "../act/report.ts";
import { ADVICE } from "./advice.ts";
import type { Answer } from "./answers.ts";
import type { Problem } from "./problem.ts";
import { readyCondition } from "./status.ts";
import { transitions } from "../decide/transitions.ts";

const NOW = "2026-01-01T00:00:00Z";
const known = { ...inspection, sourceHash: "s" };
const serves: Decision = {
  kind: "serve",
  revision: "r1",
  inspection: known,
  applies: [],
  deletes: [],
};
const inspects: Decision = { kind: "inspect", applies: [], deletes: [] };

type Given = {
  readonly model?: Model;
  readonly observed?: Partial<Observed>;
  readonly decision?: Decision;
  readonly answers?: Readonly<Record<string, Answer>>;
  readonly refusals?: readonly Problem[];
  readonly isUnloaded?: boolean | undefined;
  readonly lack?: { readonly reason: string; readonly message: string };
};

function statusFor({ model, observed, decision = serves, answers = {}, ...rest }: Given) {
  const { refusals = [], isUnloaded, lack } = rest;
  return reportedStatus(model ?? modelWith(), observedWith(observed), {
    decision,
    answers: new Map(Object.entries(answers)),
    refusals,
    isUnloaded,
    lack,
    now: NOW,
  });
}

function sayings(status: LocalModelStatus) {
  const conditions = status.conditions ?? [];
  return Object.fromEntries(
    conditions.map(({ type, status: is, reason }) => [type, `${is} ${reason}`]),
  );
}

const messageOf = (status: LocalModelStatus, type = "Ready") =>
  status.conditions?.find((condition) => condition.type === type)?.message ?? "";

const crashed = (container: string, ended: object, restartCount = 3) =>
  containerStatus(
    container,
    { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
    { restartCount, lastState: { terminated: { exitCode: 1, ...ended } } },
  );

const fetching = (status: object): Pod => podWith({ initContainerStatuses: [status] });
const serverIs = (status: object): Pod =>
  podWith({
    initContainerStatuses: [containerStatus("fetch", { terminated: { exitCode: 0 } })],
    containerStatuses: [status],
  });
const words = (reason: string, message = "said so") => terminationMessage({ reason, message });

const running = { running: {} };
const waitingFor = (reason: string, message = "m") => ({ waiting: { reason, message } });

const held = (
  reason: string,
  message: string,
  spec: object = { nodeName: "n", containers: [] },
) => {
  const pod = { ...podWith(), spec } as Pod;
  return { pods: [pod], podsSay: new Map([[pod.metadata.name, { reason, message }]]) };
};

test("what keeps a pod from its first container is told in the cluster's own words", () => {
  const volume = held("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1"');
  const elsewhere = statusFor({ observed: volume });
  assert.equal(sayings(elsewhere)["Ready"], "False VolumeUnavailable");
  assert.equal(sayings(elsewhere)["Progressing"], "False VolumeUnavailable");
  assert.match(messageOf(elsewhere), /Multi-Attach error for volume "pvc-1"/);
  const old = readyPod({ name: "old", revision: "r0" });
  const leaving: Pod = { ...old, metadata: { ...old.metadata, deletionTimestamp: NOW } };
  const rolls = statusFor({ observed: { ...volume, pods: [...volume.pods, leaving] } });
  assert.equal(sayings(rolls)["Progressing"], "True Starting");
  assert.match(messageOf(rolls), /Multi-Attach error/);
  const said = 'PodResourceClaim gpu: resource claim template "big" not found';
  const claim = statusFor({
    observed: held("FailedResourceClaimCreation", said, { containers: [] }),
  });
  assert.equal(sayings(claim)["Scheduled"], "False DeviceClaimFailed");
  assert.match(messageOf(claim), /resource claim template "big" not found/);
});

/** A pod, and what Ready and the condition it concerns say of it. */
const table: Readonly<
  Record<string, readonly [pod: Pod, answer: Answer | undefined, says: object]>
> = {
  "a pod nobody has looked at": [
    { ...podWith(), spec: { containers: [] } },
    undefined,
    { Ready: "False Scheduling", Scheduled: "False Scheduling", Progressing: "True Scheduling" },
  ],
  "a pod without a node": [
    unscheduledPod("0/2 nodes are available: 2 Insufficient nvidia.com/gpu."),
    undefined,
    { Ready: "False Unschedulable", Scheduled: "False Unschedulable" },
  ],
  "a pod that waits for its queue": [
    {
      ...podWith({
        conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
      }),
      spec: { containers: [] },
    },
    undefined,
    { Ready: "False SchedulingGated", Progressing: "True SchedulingGated" },
  ],
  "an image that cannot be pulled": [
    fetching(containerStatus("fetch", waitingFor("ImagePullBackOff"))),
    undefined,
    {
      Ready: "False ImagePullFailed",
      Loaded: "False ImagePullFailed",
      SourceResolved: "True Resolved",
    },
  ],
  "an image with weights that cannot be pulled": [
    {
      ...fetching(containerStatus("fetch", waitingFor("ErrImagePull", 'pulling "r/m:1": no'))),
      spec: {
        nodeName: "n",
        containers: [],
        volumes: [{ name: "image-0", image: { reference: "r/m:1" } }],
      },
    },
    undefined,
    { Ready: "False ImagePullFailed", SourceResolved: "False ImagePullFailed" },
  ],
  "a Secret of the author's that is not there": [
    serverIs(containerStatus("server", waitingFor("CreateContainerConfigError", 'secret "x"'))),
    undefined,
    { Ready: "False ConfigError", Loaded: "False ConfigError" },
  ],
  "a fetcher that has not said anything": [
    fetching(containerStatus("fetch", running)),
    undefined,
    { Ready: "False Downloading", Loaded: "False Downloading", Progressing: "True Downloading" },
  ],
  "a download that stands still": [
    fetching(containerStatus("fetch", running)),
    { from: "fetch", progress: { message: "no answer", receivedBytes: 1, stalled: true } },
    { Ready: "False DownloadStalled", Progressing: "True DownloadStalled" },
  ],
  "a Secret of the source that is not there": [
    fetching(containerStatus("fetch", running)),
    {
      from: "fetch",
      progress: {
        message: "no Secret hf",
        receivedBytes: 0,
        stalled: true,
        reason: "SecretMissing",
      },
    },
    { Ready: "False SecretMissing", SourceResolved: "False SecretMissing" },
  ],
  "a file that is not there": [
    fetching(crashed("fetch", { message: words("NotFound") })),
    undefined,
    { Ready: "False NotFound", SourceResolved: "False NotFound", Progressing: "False NotFound" },
  ],
  "a fetcher that tries again after a failure": [
    fetching(
      containerStatus("fetch", running, {
        restartCount: 1,
        lastState: { terminated: { exitCode: 1, message: words("ChecksumMismatch") } },
      }),
    ),
    { from: "fetch", progress: { message: "", receivedBytes: 1, totalBytes: 2, stalled: false } },
    { Ready: "False ChecksumMismatch", SourceResolved: "False ChecksumMismatch" },
  ],
  "a disk that is full": [
    fetching(crashed("fetch", { message: words("DiskFull") })),
    undefined,
    { Ready: "False DiskFull", Loaded: "False DiskFull", SourceResolved: "True Resolved" },
  ],
  "a server that loads": [
    serverIs(containerStatus("server", running)),
    { from: "server", state: { state: "loading", message: "", progress: 0.427 } },
    { Ready: "False Loading", Loaded: "False Loading" },
  ],
  "weights that do not fit": [
    serverIs(containerStatus("server", running)),
    { from: "server", state: { state: "failed", message: "too big", reason: "DoesNotFit" } },
    { Ready: "False DoesNotFit", Progressing: "False DoesNotFit" },
  ],
  "a server killed for its memory": [
    serverIs(crashed("server", { exitCode: 137, reason: "OOMKilled" })),
    undefined,
    { Ready: "False OutOfMemory", Loaded: "False OutOfMemory" },
  ],
  "a server that crashed once": [
    serverIs(crashed("server", { exitCode: 139 }, 1)),
    undefined,
    { Ready: "False Restarting", Progressing: "True Restarting" },
  ],
  "a server that crashes again and again": [
    serverIs(crashed("server", { exitCode: 139, message: "last line" })),
    undefined,
    { Ready: "False CrashLoop", Progressing: "False CrashLoop" },
  ],
  "a pod that was evicted": [
    podWith({ phase: "Failed", reason: "Evicted", message: "disk pressure" }),
    undefined,
    { Ready: "False Evicted" },
  ],
};

for (const [name, [pod, answer, expected]] of Object.entries(table)) {
  test(`the status tells of ${name}`, () => {
    const answers = answer === undefined ? {} : { [pod.metadata.name]: answer };
    const status = statusFor({ observed: { pods: [pod] }, answers });
    assert.deepEqual({ ...sayings(status), ...expected }, sayings(status));
  });
}

test("a ready pod makes the model ready, with all conditions and what it is", () => {
  const status = statusFor({ observed: { pods: [readyPod()] } });
  assert.deepEqual(sayings(status), {
    Ready: "True Ready",
    SourceResolved: "True Resolved",
    Scheduled: "True Scheduled",
    Loaded: "True Loaded",
    Progressing: "False Complete",
    Active: "True Active",
  });
  assert.ok(status.conditions?.every(({ observedGeneration }) => observedGeneration === 3));
  const { architecture, parameters, quantization, sizeBytes } = inspection;
  assert.deepEqual(status.model, { architecture, parameters, quantization, sizeBytes });
  assert.equal(status.readyReplicas, 1);
});

test("the scheduler's message is told in words, with what was asked for", () => {
  const message =
    "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available.";
  const requests = { "nvidia.com/gpu": "2" };
  const requirement = { key: "nvidia.com/gpu.memory", operator: "Gt", values: ["40959"] };
  const pod: Pod = {
    ...unscheduledPod(message),
    spec: {
      containers: [{ name: "server", resources: { requests } }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [requirement] }],
          },
        },
      },
    },
  };
  assert.equal(
    messageOf(statusFor({ observed: { pods: [pod] } })),
    "No node can take a pod: 1 of 3 nodes: not enough nvidia.com/gpu (each pod asks for 2); " +
      "2 of 3 nodes: not the labels that nvidia.com/gpu.memory > 40959 ask for. " +
      "Add or free such a node, or ask for less.",
  );
});

const downloadAt = (receivedBytes: number) =>
  messageOf(
    statusFor({
      observed: { pods: [fetching(containerStatus("fetch", running))] },
      answers: {
        "llama-1": {
          from: "fetch",
          progress: { message: "", receivedBytes, totalBytes: 4e9, stalled: false },
        },
      },
    }),
  );

test("a download is told in whole percents, so that the status does not change with every byte", () => {
  assert.equal(downloadAt(1.73e9), "Downloading the weights: 43 % (1.7 GB of 4.0 GB).");
  assert.equal(downloadAt(1.73e9), downloadAt(1.75e9));
});

test("while a new version comes, Ready is unknown and the old pods are counted", () => {
  const observed = {
    pods: [readyPod({ name: "old", revision: "r0" }), fetching(containerStatus("fetch", running))],
  };
  const status = statusFor({ observed });
  assert.equal(sayings(status)["Ready"], "Unknown RollingOut");
  assert.match(messageOf(status), /^0 of 1 pods are up to date\. .* Meanwhile 1 pod answers\.$/);
});

test("what fails in a roll makes Ready false although old pods answer", () => {
  const broken = fetching(containerStatus("fetch", waitingFor("ErrImagePull")));
  const observed = { pods: [readyPod({ name: "old", revision: "r0" }), broken] };
  const status = statusFor({ observed });
  assert.equal(sayings(status)["Ready"], "False ImagePullFailed");
  assert.match(messageOf(status), /Meanwhile 1 pod answers\.$/);
});

test("a claim without a volume is told as one, and not as a node that is missing", () => {
  const said =
    "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
  const status = statusFor({ observed: { pods: [unscheduledPod(said)] } });
  assert.equal(sayings(status)["Ready"], "False Unschedulable");
  assert.match(messageOf(status), /claim of the pods has no volume.*StorageClass/);
  assert.doesNotMatch(messageOf(status), /Add or free such a node|preemption/);
});

test("where a volume decides which nodes there are, no other node is asked for", () => {
  const nodes = "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 ";
  const advice = {
    "node(s) had volume node affinity conflict": /only some nodes reach/,
    "node(s) didn't match PersistentVolume's node affinity": /only some nodes reach/,
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod":
      /serves one pod at a time/,
  };
  for (const [why, told] of Object.entries(advice)) {
    const pod = unscheduledPod(`${nodes}${why}. preemption: 0/2 nodes are available: 2 none.`);
    const status = statusFor({ observed: { pods: [pod] } });
    assert.equal(sayings(status)["Ready"], "False Unschedulable");
    assert.match(messageOf(status), told);
    assert.doesNotMatch(messageOf(status), /Add or free such a node/);
  }
});

test("a roll that waits for room is on its way, and one that waits in vain says why", () => {
  const short = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.";
  const pods = [readyPod({ name: "old", revision: "r0" }), unscheduledPod(short)];
  const during = (decision: Partial<Decision>) =>
    statusFor({ observed: { pods }, decision: { ...serves, ...decision } });
  const rooms = [
    { kind: "later", inMs: 1, victims: [] },
    { kind: "now", victims: [] },
    { kind: "going" },
  ] as const;
  for (const room of rooms) {
    const said = sayings(during({ room }));
    assert.equal(said["Ready"], "Unknown RollingOut");
    assert.equal(said["Progressing"], "True WaitingForRoom");
  }
  const useless = during({ room: { kind: "useless", lacks: ["it would not have enough memory"] } });
  assert.equal(sayings(useless)["Ready"], "False Unschedulable");
  assert.match(messageOf(useless), /would not help \(it would not have enough memory\)/);
  assert.equal(sayings(during({ bringsNode: true }))["Progressing"], "True AddingNode");
});

test("what is paused says so while its pods answer", () => {
  const model = modelWith({ rollout: { paused: true } });
  const observed = { pods: [readyPod({ name: "old", revision: "r0" })] };
  const status = statusFor({ model, observed });
  assert.equal(sayings(status)["Ready"], "Unknown RollingOut");
  assert.match(messageOf(status), /Paused: pods stay as they are/);
  assert.equal(
    sayings(statusFor({ model, observed: { pods: [readyPod()] } }))["Ready"],
    "True Ready",
  );
});

const accelerated = (status: LocalModelStatus) => sayings(status)["Accelerated"];

test("a server that was given devices says what it has of them, and when it has none", () => {
  const model = modelWith({ gpu: { requirement: "Preferred" } });
  const facts = {
    architecture: "llama",
    parameters: 1,
    quantization: "Q4_1",
    sizeBytes: 1,
    contextTokens: 2048,
    capabilities: ["chat"],
  };
  const statusOfServer = (more: object, of: Model = model) => {
    const state = { state: "ready", message: "", model: { ...facts, ...more } };
    const answers = { "llama-1": { from: "server", state } as unknown as Answer };
    return statusFor({ model: of, observed: { pods: [readyPod()] }, answers });
  };
  const devices = [{ name: "NVIDIA H200", memoryBytes: 1e11 }];
  const onDevice = statusOfServer({ devices, memoryBytes: { ram: 1, vram: 5e9 } });
  assert.deepEqual(onDevice.accelerator, {
    devices: ["NVIDIA H200"],
    deviceMemoryBytes: 1e11,
    usedBytes: 5e9,
  });
  assert.doesNotMatch(messageOf(onDevice), /CPU/);
  const onCpu = statusOfServer({ memoryBytes: { ram: 1, vram: 0 } });
  assert.deepEqual(onCpu.accelerator?.devices, []);
  assert.match(messageOf(onCpu), /It is served on the CPU/);
  assert.equal(statusOfServer({}, modelWith()).accelerator, undefined);
  assert.equal(accelerated(onDevice), "True Accelerated");
  assert.equal(accelerated(onCpu), "False AcceleratorMissing");
  assert.equal(accelerated(statusOfServer({}, modelWith())), undefined);
  const acceleratorProblem = { reason: "VramTooSmall", message: "8 GiB are too few" };
  const offloaded = { layers: 10, ofLayers: 31 };
  const partly = statusOfServer({ devices, offloaded, driverVersion: "580.1", acceleratorProblem });
  assert.equal(accelerated(partly), "False VramTooSmall");
  assert.match(messageOf(partly), /10 of 31 layers are on its devices: 8 GiB are too few\./);
  assert.equal(partly.accelerator?.driverVersion, "580.1");
  assert.deepEqual(LocalModelStatus.parse(partly), partly);
  const wholly = statusOfServer({ devices, offloaded: { layers: 31, ofLayers: 31 } });
  assert.equal(
    wholly.conditions?.find(({ type }) => type === "Accelerated")?.message,
    "31 of 31 layers are on NVIDIA H200.",
  );
});

test("a server that fails for want of a device makes Accelerated false, and one that starts unknown", () => {
  const model = modelWith({ gpu: {} });
  const statusWith = (pods: readonly Pod[]) => sayings(statusFor({ model, observed: { pods } }));
  const failed = podWith({
    containerStatuses: [crashed("server", { message: words("DriverTooOld") })],
  });
  assert.equal(statusWith([failed])["Accelerated"], "False DriverTooOld");
  assert.equal(statusWith([failed])["Ready"], "False DriverTooOld");
  assert.equal(statusWith([podWith()])["Accelerated"], "Unknown Starting");
});

test("what is wrong with pods of an old version is not told", () => {
  const old = { ...fetching(crashed("fetch", { message: words("NotFound") })) };
  const pods = [
    { ...old, metadata: { ...old.metadata, name: "old", annotations: {} } },
    readyPod(),
  ];
  assert.equal(sayings(statusFor({ observed: { pods } }))["Ready"], "Unknown RollingOut");
});

test("an inspection is told as such, and its failures as failures of the source", () => {
  const bare = podWith({
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [containerStatus("inspect", running, { ready: true })],
  });
  const labels = { "app.kubernetes.io/component": "inspect" };
  const pod = { ...bare, metadata: { ...bare.metadata, labels } };
  const going = statusFor({ decision: inspects, observed: { inspectPod: pod } });
  assert.deepEqual(sayings(going), {
    Ready: "False Inspecting",
    SourceResolved: "Unknown Inspecting",
    Scheduled: "Unknown Inspecting",
    Loaded: "False Inspecting",
    Progressing: "True Inspecting",
    Active: "True Active",
  });
  const failed = crashed("inspect", { message: words("Unauthorized") });
  const inspectPod = podWith({ containerStatuses: [failed] });
  const status = statusFor({ decision: inspects, observed: { inspectPod } });
  assert.equal(sayings(status)["SourceResolved"], "False Unauthorized");
});

test("a cache that is filled before there are pods is told of by the pod that fills it", () => {
  const bare = podWith({
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [containerStatus("fetch", running, { ready: true })],
  });
  const labels = { "app.kubernetes.io/component": "fetch" };
  const pod = { ...bare, metadata: { ...bare.metadata, labels } };
  const fill = { kind: "filling", host: "models.example", configuration: pod, pod } as never;
  const fills: Decision = { kind: "fill", fill, inspection: known, applies: [], deletes: [] };
  const progress = { message: "", receivedBytes: 10, totalBytes: 100, stalled: false };
  const answers = { [pod.metadata.name]: { from: "fetch", progress } } as const;
  const going = statusFor({ decision: fills, answers });
  assert.deepEqual(sayings(going), {
    Ready: "False Downloading",
    SourceResolved: "True Resolved",
    Scheduled: "Unknown Downloading",
    Loaded: "False Downloading",
    Progressing: "True Downloading",
    Active: "True Active",
  });
  assert.match(readyCondition(going)?.message ?? "", /10 %/);
  const old = statusFor({
    decision: fills,
    answers,
    observed: { pods: [readyPod({ revision: "r0" })] },
  });
  assert.equal(sayings(old)["Ready"], "Unknown RollingOut");
  const failed = podWith({ containerStatuses: [crashed("fetch", { message: words("NotFound") })] });
  const failing = { ...fills, fill: { ...(fill as object), pod: failed } as never };
  assert.equal(sayings(statusFor({ decision: failing }))["Ready"], "False NotFound");
  const queued = { ...fills, fill: { kind: "queued", host: "models.example" } as const };
  const waits = statusFor({ decision: queued });
  assert.deepEqual(sayings(waits)["Progressing"], "True DownloadQueued");
  assert.match(readyCondition(waits)?.message ?? "", /others from models\.example/);
});

const waitsForClaim = (says?: object): Decision => ({
  kind: "fill",
  fill: { kind: "claim", says } as never,
  applies: [],
  deletes: [],
});

test("a claim without a volume is told of in its provisioner's words, once it complains", () => {
  assert.equal(sayings(statusFor({ decision: waitsForClaim() }))["Ready"], "False Pending");
  const says = {
    isWarning: true,
    reason: "ProvisioningFailed",
    message: 'storageclass.storage.k8s.io "fast" not found',
  };
  const status = statusFor({ decision: waitsForClaim(says) });
  assert.equal(sayings(status)["Scheduled"], "False VolumeMissing");
  assert.equal(sayings(status)["Progressing"], "False VolumeMissing");
  assert.match(
    readyCondition(status)?.message ?? "",
    /"fast" not found\. Correct the StorageClass/,
  );
});

test("a suspended model whose cache is filled says how far it is, and that it is done", () => {
  const model = modelWith({
    replicas: 0,
    cache: { claimName: "weights", fill: "Ahead" },
  });
  const pod = podWith({ containerStatuses: [containerStatus("fetch", running)] });
  const fill = { kind: "filling", host: "models.example", configuration: pod, pod } as never;
  const going = statusFor({ model, decision: { ...serves, fill } });
  assert.equal(sayings(going)["Ready"], "False Suspended");
  assert.equal(sayings(going)["Progressing"], "True Downloading");
  const filled = { kind: "filled", sourceHash: "h" } as const;
  const done = statusFor({ model, decision: { ...serves, fill: filled } });
  assert.equal(sayings(done)["Progressing"], "False Suspended");
  assert.match(readyCondition(done)?.message ?? "", /in the cache/);
  assert.deepEqual(done.cache, { sourceHash: "h", filledAt: NOW });
  assert.deepEqual(
    transitions(going, done).map(({ reason }) => reason),
    ["CacheFilled"],
  );
  assert.deepEqual(transitions(done, done), []);
});

test("a suspended model says so, whatever its last pods do", () => {
  const status = statusFor({
    model: modelWith({ replicas: 0 }),
    observed: { pods: [fetching(crashed("fetch", {}))] },
  });
  assert.equal(sayings(status)["Ready"], "False Suspended");
  assert.equal(sayings(status)["Progressing"], "False Suspended");
});

test("who lost its id is told who has it", () => {
  const claim = { held: [], lost: [{ id: "llama", holder: "team/llama" }] };
  const status = statusFor({ model: modelWith({}, { claim }) });
  assert.equal(sayings(status)["Ready"], "False DuplicateModelId");
  assert.match(
    messageOf(status),
    /belongs to the older LocalModel team\/llama\. It is not served\./,
  );
});

test("a lost alias and a field without effect do not keep a model from being ready", () => {
  const claim = { held: ["llama"], lost: [{ id: "chat", holder: "team/other" }] };
  const status = statusFor({
    model: modelWith({ aliases: ["chat"] }, { claim, ignored: ["spec.future"] }),
    observed: { pods: [readyPod()] },
  });
  assert.equal(sayings(status)["Ready"], "True Ready");
  assert.match(messageOf(status), /alias "chat" belongs to .*team\/other.*effect: spec\.future\.$/);
});

test("what the controller of Deployments may not make is told", () => {
  const message = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": …';
  const failure = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message };
  const deployment = { metadata: { name: "x" }, status: { conditions: [failure] } };
  const status = statusFor({ observed: { deployment } });
  assert.equal(sayings(status)["Ready"], "False PodSecurity");
});

test("a server's own words about its model are kept for pods made alike", () => {
  const answer = {
    from: "server",
    state: { state: "ready", message: "", model: { ...facts, contextTokens: 4096 } },
  } as unknown as Answer;
  const pods = [readyPod()];
  const first = statusFor({ observed: { pods }, answers: { "llama-1": answer } });
  assert.equal(first.model?.contextLength, 4096);
  assert.equal(first.modelRevision, "r1");
  assert.deepEqual(statusFor({ observed: { pods, status: first } }), first);
  const next = { ...serves, revision: "r2" };
  const after = statusFor({ observed: { pods, status: first }, decision: next });
  assert.equal(after.model?.contextLength, undefined);
});
const facts = {
  architecture: "llama",
  parameters: 1,
  quantization: "Q4_1",
  sizeBytes: 2,
  capabilities: ["chat", "chat"],
};

test("a spec nobody can read leaves what was found out, and says what is wrong", () => {
  const before = statusFor({ observed: { pods: [readyPod()] } });
  const observed = observedWith({ status: before, pods: [readyPod()] });
  const status = unreadableStatus(modelWith(), observed, { problem: "spec.x: unknown", now: NOW });
  assert.deepEqual(status.inspection, before.inspection);
  assert.equal(sayings(status)["Ready"], "False InvalidSpec");
  assert.match(messageOf(status), /^spec\.x: unknown\. Correct it/);
});

test("the time of a condition changes with its status and with nothing else", () => {
  const status = statusFor({ observed: { pods: [fetching(containerStatus("fetch", running))] } });
  const old = { ...status.conditions?.[0], lastTransitionTime: "2020-01-01T00:00:00Z" };
  const previous = { ...status, conditions: [old] } as LocalModelStatus;
  const timeOf = (pods: readonly Pod[]) =>
    statusFor({ observed: { pods, status: previous } }).conditions?.[0]?.lastTransitionTime;
  assert.equal(timeOf([fetching(crashed("fetch", {}))]), "2020-01-01T00:00:00Z");
  assert.equal(timeOf([readyPod()]), NOW);
});

const told = (before: LocalModelStatus, after: LocalModelStatus) =>
  transitions(before, after).map(({ type, reason }) => `${type} ${reason}`);

test("events are for becoming ready and for what waits for a person, once", () => {
  const loading = statusFor({ observed: { pods: [fetching(containerStatus("fetch", running))] } });
  const broken = statusFor({
    observed: { pods: [fetching(crashed("fetch", { message: words("NotFound") }))] },
  });
  const ready = statusFor({ observed: { pods: [readyPod()] } });
  assert.deepEqual(told({}, loading), []);
  assert.deepEqual(told(loading, broken), ["Warning NotFound"]);
  assert.deepEqual(told(broken, broken), []);
  assert.deepEqual(told(broken, ready), ["Normal Ready"]);
});

test("a model that sleeps is Ready and not Active, says why, and does so without pods", () => {
  const asleep = { desired: 0, reason: "Asleep", sinceMs: Date.parse(NOW), lastUsedMs: 0 } as const;
  const spec = modelWith({ scaling: {} });
  const status = statusFor({ model: { ...spec, scale: asleep } });
  assert.deepEqual(sayings(status), {
    Ready: "True Asleep",
    SourceResolved: "True Resolved",
    Scheduled: "Unknown Asleep",
    Loaded: "False Asleep",
    Progressing: "False Complete",
    Active: "False Asleep",
  });
  assert.equal(status.scaling?.desired, 0);
  assert.equal(status.scaling?.since, NOW);
  const inspecting = { model: { ...spec, scale: asleep }, decision: inspects };
  assert.equal(sayings(statusFor(inspecting))["Ready"], "False Pending");
  const suspended = modelWith({ scaling: {}, replicas: 0 }, { scale: asleep });
  assert.equal(sayings(statusFor({ model: suspended }))["Ready"], "False Suspended");
});

test("that a model falls asleep and wakes is an event", () => {
  const spec = modelWith({ scaling: {} });
  const statusOf = (desired: number) =>
    statusFor({
      model: {
        ...spec,
        scale: { desired, reason: desired === 0 ? "Asleep" : "Demand", sinceMs: 0, lastUsedMs: 0 },
      },
      observed: { pods: Array.from({ length: desired }, (_, n) => readyPod({ name: `p${n}` })) },
    });
  const reasons = (a: number, b: number) =>
    transitions(statusOf(a), statusOf(b)).map(({ reason }) => reason);
  assert.deepEqual(reasons(1, 0), ["FellAsleep"]);
  assert.ok(reasons(0, 1).includes("Woken"));
  assert.deepEqual(reasons(1, 3), ["ScaledUp"]);
  assert.deepEqual(reasons(3, 2), ["ScaledDown"]);
  assert.deepEqual(reasons(2, 2), []);
});

test("a model whose pods sleep is Ready and not Active, which stays so while nobody can tell, and is an event", () => {
  const scale = { desired: 1, reason: "Minimum", sinceMs: 0, lastUsedMs: 0 } as const;
  const model = { ...modelWith({ scaling: { sleep: "unload" } }), scale };
  const statusOf = (isUnloaded: boolean | undefined, status: LocalModelStatus = {}) =>
    statusFor({ model, isUnloaded, observed: { pods: [readyPod()], status } });
  const [asleep, awake] = [statusOf(true), statusOf(false)];
  assert.equal(sayings(asleep)["Ready"], "True Ready");
  assert.equal(sayings(asleep)["Active"], "False Asleep");
  assert.equal(sayings(asleep)["Loaded"], "False Asleep");
  assert.equal(sayings(awake)["Active"], "True Active");
  assert.equal(sayings(statusOf(undefined, asleep))["Active"], "False Asleep");
  assert.equal(sayings(statusOf(undefined, awake))["Active"], "True Active");
  assert.deepEqual(told(awake, asleep), ["Normal FellAsleep"]);
  assert.deepEqual(told(asleep, awake), ["Normal Woken"]);
  assert.deepEqual(told(asleep, asleep), []);
});

test("a model whose pods cannot load because others hold their devices says so, and does not fail", () => {
  const scale = { desired: 1, reason: "Minimum", sinceMs: 0, lastUsedMs: 0 } as const;
  const model = { ...modelWith({ scaling: { sleep: "unload" }, gpu: { count: 1 } }), scale };
  const lack = { reason: "VramTooSmall", message: "They need 4 GiB, and 1 GiB is free" };
  const statusOf = (given: Pick<Given, "isUnloaded" | "lack">) =>
    statusFor({ model, observed: { pods: [readyPod()] }, ...given });
  const lacking = statusOf({ isUnloaded: true, lack });
  assert.equal(sayings(lacking)["Loaded"], "False VramTooSmall");
  assert.equal(sayings(lacking)["Accelerated"], "False VramTooSmall");
  assert.equal(sayings(lacking)["Active"], "False Asleep");
  // Requests are taken: they wait.
  assert.equal(sayings(lacking)["Ready"], "True Ready");
  for (const type of ["Loaded", "Ready"]) {
    assert.match(messageOf(lacking, type), /They need 4 GiB, and 1 GiB is free\./);
  }
  const loaded = statusOf({ isUnloaded: false });
  assert.equal(sayings(loaded)["Loaded"], "True Loaded");
  assert.doesNotMatch(messageOf(loaded), /GiB/);
});

const pods = fc.array(
  fc
    .tuple(
      fc.constantFrom(...Object.values(table).map(([pod]) => pod), readyPod()),
      fc.constantFrom("r0", "r1"),
      fc.uuid(),
    )
    .map(([pod, revision, name]) => ({
      ...pod,
      metadata: { ...pod.metadata, name, annotations: { "localmodel.dev/revision": revision } },
    })),
  { maxLength: 5 },
);

test("whatever pods do, the status is one the CRD takes, has every condition that applies, and stays as it is", () => {
  fc.assert(
    fc.property(
      pods,
      fc.constantFrom(serves, inspects),
      fc.nat({ max: 3 }),
      fc.boolean(),
      (some, decision, replicas, onDevice) => {
        const model = modelWith({ replicas, ...(onDevice && { gpu: {} }) });
        const given = { model, decision };
        const status = statusFor({ ...given, observed: { pods: some } });
        assert.deepEqual(LocalModelStatus.parse(status), status);
        assert.deepEqual(
          status.conditions?.map(({ type }) => type),
          CONDITION_TYPES.filter((type) => type !== "Stalled" || isStuck(status)).filter(
            (type) => onDevice || type !== "Accelerated",
          ),
        );
        assert.deepEqual(statusFor({ ...given, observed: { pods: some, status } }), status);
        assert.ok(status.conditions?.every(({ message }) => message.trim() !== ""));
      },
    ),
  );
});

const isStuck = (status: LocalModelStatus): boolean => {
  const { Progressing = "", Ready = "" } = sayings(status);
  const isWell = Ready.startsWith("True");
  return !isWell && /^False (?!Suspended|Complete)/.test(Progressing);
};

test("who goes by kstatus is told of a failure at once, and of nothing where a model is on its way", () => {
  const failed = statusFor({
    observed: {
      pods: [fetching(crashed("fetch", { message: words("NotFound", "no such file") }))],
    },
  });
  assert.equal(sayings(failed)["Stalled"], "True NotFound");
  assert.match(messageOf(failed, "Stalled"), /^no such file/);
  const going = statusFor({ observed: { pods: [podWith()], status: failed } });
  assert.equal(sayings(going)["Stalled"], undefined);
  const suspended = statusFor({ model: modelWith({ replicas: 0 }) });
  assert.equal(sayings(suspended)["Stalled"], undefined);
});

test("what a person is advised about is a reason that clients understand", () => {
  const understood = new Set<string>(Object.values(CONDITION_REASONS).flat());
  assert.deepEqual(
    [...ADVICE.keys()].filter((reason) => !understood.has(reason)),
    [],
  );
});
