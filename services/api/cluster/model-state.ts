/**
 * What a client is told of a model: from what the operator says, unless pods know better.
 *
 * Endpoints are faster than status: whoever has one is ready, whatever the status says. Reasons are the
 * operator's (docs/status.md), and a newer operator may have new ones: what is unknown here is "pending",
 * which clients retry, and only what waits for a person is "failed", which they do not.
 */
import type { DirectoryModel } from "@localmodel/localmodel/directory.ts";
import type { LocalModelStatus } from "@localmodel/localmodel/status-spec.ts";

type Explanation = Pick<DirectoryModel, "state" | "message">;
type State = DirectoryModel["state"];

const STATES: Readonly<Record<Exclude<State, "pending" | "ready">, readonly string[]>> = {
  downloading: ["DeadlineExceeded", "Downloading", "DownloadStalled", "SourceUnavailable"],
  loading: ["Loading", "RollingOut", "Starting"],
  restarting: ["CrashLoop", "Draining", "Restarting"],
  failed: [
    "BadConfiguration",
    "CacheUnusable",
    "ChecksumMismatch",
    "ConfigError",
    "DoesNotFit",
    "Forbidden",
    "InvalidSource",
    "InvalidSpec",
    "LoadFailed",
    "NotAGguf",
    "NotFound",
    "OutOfMemory",
    "PodSecurity",
    "Rejected",
    "Suspended",
    "Truncated",
    "Unauthorized",
    "Unsupported",
    "UnsupportedSource",
  ],
};

const STATE_BY_REASON: ReadonlyMap<string, State> = new Map(
  Object.entries(STATES).flatMap(([state, reasons]) =>
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
  if (ready.status === "True")
    return { state: "restarting", message: "None of its pods is ready right now." };
  return { state: STATE_BY_REASON.get(ready.reason) ?? "pending", message: messageOf(ready) };
}

function messageOf({ message, reason }: { message: string; reason: string }): string {
  return message.trim() === "" ? `${reason}.` : message;
}
