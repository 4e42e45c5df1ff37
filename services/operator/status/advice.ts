/**
 * Failures by reason: which condition they belong to, and what a person does next.
 *
 * Reasons come from packages/weights (fetching), from the model server (loading) and from here (Kubernetes).
 * docs/status.md explains each.
 */
import { sentence } from "@localmodel/localmodel/contracts/sentence.ts";
import type { ConditionReason } from "@localmodel/localmodel/cluster/condition-reasons.ts";
import type { Problem, Stage } from "./problem.ts";

type Advice = { readonly stage: Stage; readonly next: string };

const source = (next: string): Advice => ({ stage: "source", next });
const schedule = (next: string): Advice => ({ stage: "schedule", next });
const load = (next: string): Advice => ({ stage: "load", next });

export const ADVICE: ReadonlyMap<string, Advice> = new Map(
  Object.entries({
    InvalidSource: source("Correct the source."),
    Unsupported: source("Choose another kind of source."),
    NotFound: source("Check the name, the revision and the path in the source."),
    Unauthorized: source(
      "Check the Secret that the source refers to, and that its owner may read the file.",
    ),
    SecretMissing: source("The download goes on once it is there."),
    ChecksumMismatch: source("Correct sha256, or name the source that has those bytes."),
    Truncated: source("The file at the source is incomplete: upload it again or name another."),
    NotAGguf: source("Only GGUF files can be served: name another file."),
    SourceUnavailable: source(
      "Check that the server is there and can be reached from the cluster.",
    ),
    DeadlineExceeded: source("Check how fast the source can be reached from the cluster."),
    DiskFull: load("Use nodes with more free disk, or a larger claim in spec.cache."),
    CacheUnusable: load("Check that the claim of spec.cache can be written."),
    DoesNotFit: load(
      "Give each pod more memory, or lower engine.contextTokens and engine.slots, or use a smaller quantization.",
    ),
    OutOfMemory: load(
      "Raise spec.resources.limits.memory, or lower engine.contextTokens and engine.slots.",
    ),
    AcceleratorMissing: load(
      "Check the driver of the node and that the image is for its devices, or set spec.gpu.requirement to Preferred to serve it on the CPU.",
    ),
    DriverTooOld: load(
      "Upgrade the driver of the node, choose other nodes, or use an image that is built for it (docs/gpu.md).",
    ),
    VramTooSmall: load(
      "Use devices with more memory, more of them (spec.gpu.count), a smaller quantization or shorter contexts; or set engine.gpuLayers, or spec.gpu.requirement to Preferred, to have the rest on the CPU.",
    ),
    BadConfiguration: load("Correct what it names in spec.engine or spec.env."),
    LoadFailed: load("The log of the pod's container server says more."),
    CrashLoop: load(
      "The log of the container before its last restart says more (kubectl logs -p).",
    ),
    ImagePullFailed: load("Check the name of the image, and that the nodes may pull it."),
    ConfigError: load("Correct what it names in spec.env, spec.cache or the volumes."),
    VolumeMissing: schedule("Correct the StorageClass in spec.cache, or have it or a volume made."),
    DeviceClaimFailed: schedule(
      "Make the ResourceClaimTemplate in its namespace, or correct spec.gpu.resourceClaimTemplateName.",
    ),
    VolumeUnavailable: load(
      "A volume that one node at a time may mount serves pods of one node: have ReadWriteMany in spec.cache, or one replica, or look for who else has it.",
    ),
    Unschedulable: schedule("Add or free such a node, or ask for less."),
    QuotaExceeded: schedule("Ask for less, or have the namespace's quota raised."),
    PodSecurity: schedule(
      "Have the namespace's pod security level changed, or spec.runtimeClassName.",
    ),
    Forbidden: schedule("Ask whoever set this rule, or correct what it names."),
    Rejected: schedule("Correct what it names."),
    Evicted: schedule("Use nodes with more free memory and disk, or a claim in spec.cache."),
  } satisfies Partial<Record<ConditionReason, Advice>>),
);

/** A failure with what to do next. Reasons nobody here knows are told as they are. */
export function failure(reason: string, what: string): Problem {
  const { stage, next } = ADVICE.get(reason) ?? load("The log of the pod says more.");
  return { stage, reason, message: `${sentence(what)} ${next}`, waits: false };
}
