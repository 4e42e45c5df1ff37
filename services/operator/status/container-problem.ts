/**
 * Why a container of a model's pod does not run, from what the kubelet says about it.
 *
 * The kubelet starts a failed container again, and while it runs anew nothing has got better yet: until it
 * succeeds, the failure before is what is told. Otherwise the reason would alternate with every attempt.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { parseTermination } from "@localmodel/localmodel/contracts/termination.ts";
import { failure } from "./advice.ts";
import type { Problem } from "./problem.ts";

export type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];
type Terminated = NonNullable<NonNullable<ContainerStatus["state"]>["terminated"]>;

const IMAGE_REASONS = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);
const CONFIG_REASONS = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "PreCreateHookError",
  "PreStartHookError",
  "PostStartHookError",
]);
const LOG_MAX_CHARACTERS = 400;

/** `sourceImages`: images that carry weights; failing to pull one is the source's failure. */
export function containerProblem(
  status: ContainerStatus,
  sourceImages: readonly string[],
): Problem | undefined {
  const { waiting, terminated } = status.state ?? {};
  const reason = waiting?.reason ?? "";
  if (IMAGE_REASONS.has(reason)) return imageProblem(status, sourceImages);
  if (CONFIG_REASONS.has(reason)) {
    return failure("ConfigError", `The container ${status.name} cannot start: ${waiting?.message}`);
  }
  const ended = terminated ?? status.lastState?.terminated;
  return ended === undefined || ended.exitCode === 0 ? undefined : crash(status, ended);
}

function imageProblem(status: ContainerStatus, sourceImages: readonly string[]): Problem {
  const said = status.state?.waiting?.message ?? status.state?.waiting?.reason ?? "";
  const ofSource = sourceImages.find((image) => said.includes(image));
  const what = ofSource === undefined ? `image ${status.image}` : `image ${ofSource} of the source`;
  const problem = failure("ImagePullFailed", `The ${what} cannot be pulled: ${said}`);
  return ofSource === undefined ? problem : { ...problem, stage: "source" };
}

function crash({ name, restartCount }: ContainerStatus, ended: Terminated): Problem {
  const said = parseTermination(ended.message);
  if (said !== undefined) return failure(said.reason, said.message);
  if (ended.reason === "OOMKilled") {
    return failure("OutOfMemory", `The container ${name} needed more memory than its limit`);
  }
  const log = (ended.message ?? "").trim().slice(-LOG_MAX_CHARACTERS);
  const what = `The container ${name} ended with exit code ${ended.exitCode}${log === "" ? "" : `: ${log}`}`;
  // Once is an accident, which the kubelet is repairing.
  return restartCount > 1
    ? failure("CrashLoop", what)
    : { stage: "load", reason: "Restarting", message: `${what} and starts again.`, waits: true };
}
