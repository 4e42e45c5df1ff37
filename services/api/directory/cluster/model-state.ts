/**
 * What a client is told of a model: from what the operator says, unless pods know better.
 *
 * Endpoints are faster than status: whoever has one is ready, whatever the status says. A newer
 * operator may have reasons that are unknown here: those are "pending", which clients try again.
 */
import {
  CONDITION_REASONS,
  STUCK_REASONS,
} from "@localmodel/localmodel/cluster/condition-reasons.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";

export type Explanation = Pick<
  DirectoryModel,
  "state" | "reason" | "message" | "isStuck" | "progress"
>;
type State = DirectoryModel["state"];

const STATE_BY_REASON: ReadonlyMap<string, State> = new Map(
  Object.entries(CONDITION_REASONS).flatMap(([state, reasons]) =>
    reasons.map((reason) => [reason, state as State]),
  ),
);

export function explanationOf(status: LocalModelStatus, endpoints: number): Explanation {
  if (endpoints > 0)
    return {
      state: "ready",
      message: `Served by ${endpoints} ${endpoints === 1 ? "pod" : "pods"}.`,
    };
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  if (ready === undefined)
    return { state: "pending", message: "The operator has not looked at it yet." };
  const state = STATE_BY_REASON.get(ready.reason) ?? "pending";
  // A model that sleeps is ready, by what its author wants: it serves whoever asks.
  if (ready.status === "True" && state !== "asleep")
    return { state: "restarting", message: "None of its pods is ready right now." };
  return {
    state,
    reason: ready.reason,
    message: messageOf(ready),
    ...(STUCK_REASONS.has(ready.reason) && { isStuck: true }),
  };
}

function messageOf({ message, reason }: { message: string; reason: string }): string {
  return message.trim() === "" ? `${reason}.` : message;
}
