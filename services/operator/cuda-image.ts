/**
 * Which of the images for NVIDIA's devices a model gets: the platform as it is for this model, and what its status says.
 *
 * Nodes are looked at only while it is to be decided (decide/cuda-question.ts).
 */
import type { Client } from "@localmodel/kube/wire/client.ts";
import type { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";
import type { CudaChoice } from "./decide/cuda-choice.ts";
import { answered, concerns, type CudaQuestion, cudaQuestion } from "./decide/cuda-question.ts";
import type { Model } from "./model/model.ts";
import type { Observed } from "./model/observed.ts";
import type { Platform } from "./model/platform.ts";
import { leastDriver } from "./objects/driver.ts";
import { findsNoNode } from "./status/pod-problem.ts";
import { lookUpDeviceNodes } from "./observe/device-nodes.ts";

/** Nobody tells of nodes that come, or are labelled. */
const LOOK_AGAIN_MS = 60_000;

type Image = {
  readonly platform: Platform;
  readonly image?: LocalModelStatus["image"];
  /** When to look again although nothing changes. */
  readonly againInMs?: number;
};

type Given = {
  readonly model: Model;
  readonly platform: Platform;
  readonly observed: Observed;
  readonly nowMs: number;
};

export async function cudaImage(
  client: Client,
  { model, platform, observed, nowMs }: Given,
): Promise<Image> {
  const question = cudaQuestion(model, platform, observed, nowMs);
  if (question.kind === "none") return { platform };
  const choice = await choiceFor(client, question, { platform, observed });
  return {
    platform: { ...platform, cudaImage: choice.image },
    image: imageStatus(choice, platform),
    ...((question.kind === "open" || observed.pods.some(findsNoNode)) && {
      againInMs: LOOK_AGAIN_MS,
    }),
  };
}

async function choiceFor(
  client: Client,
  question: Exclude<CudaQuestion, { kind: "none" }>,
  { platform, observed }: Pick<Given, "platform" | "observed">,
): Promise<CudaChoice> {
  if (question.kind === "settled") return question.choice;
  const found = await lookUpDeviceNodes(client, (node) => concerns(question, node), observed.pods);
  return answered(question, platform, found);
}

function imageStatus(
  { image, reason, message }: CudaChoice,
  platform: Platform,
): NonNullable<LocalModelStatus["image"]> {
  const least = leastDriver(image, platform);
  return {
    name: platform.images[image] ?? "",
    variant: image,
    ...(least > 0 && { leastDriver: least }),
    reason,
    message,
  };
}
