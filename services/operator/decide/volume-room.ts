/**
 * Whether an old pod has the volume that a new one waits for on another node. Pure.
 *
 * A volume that one node at a time may mount says so to nobody before: the scheduler gives the new pod any node, and then
 * the controller that attaches volumes names the pods that have it. A claim that the operator makes is known, and its old
 * pod goes first anyway (deployment.ts); one that the author brings is only known by this.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Observed } from "../model/observed.ts";
import { isScheduled, stayingOf } from "../status/pod-problem.ts";
import { revisionOf } from "../status/situation.ts";
import type { Room } from "./room.ts";

/** Also of those in other namespaces, whom nobody here can end. */
const HOLDERS = /already used by pod\(s\) (.+)$/;

/** Only where one pod has it: with several the end of one would help nobody. */
export function volumeRoom(
  revision: string | undefined,
  { pods, podsSay }: Pick<Observed, "pods" | "podsSay">,
): Room {
  const staying = stayingOf(pods).filter(isScheduled);
  const old = staying.filter((pod) => revisionOf(pod) !== revision);
  for (const pod of staying.filter((one) => revisionOf(one) === revision)) {
    const names = holdersOf(podsSay?.get(pod.metadata.name));
    const victims = old.filter(({ metadata }) => names.includes(metadata.name));
    if (names.length === 1 && victims.length === 1) {
      return { kind: "now", victims, nodeName: nodeOf(pod) };
    }
  }
  return { kind: "none" };
}

type Said = { readonly reason: string; readonly message: string } | undefined;

function holdersOf(said: Said): readonly string[] {
  if (said?.reason !== "FailedAttachVolume") return [];
  return HOLDERS.exec(said.message)?.[1]?.split(/, | and /) ?? [];
}

function nodeOf({ spec }: Pod): string {
  return spec?.nodeName ?? "";
}
