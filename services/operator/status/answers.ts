/**
 * What pods that are not ready say when they are asked, in words that change slowly.
 *
 * Every change of a message is a write to the API server, so a download is told in whole percents of its
 * size and not in bytes as they arrive.
 */
import type { FetchProgress } from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { sentence } from "@localmodel/localmodel/contracts/sentence.ts";
import { failure } from "./advice.ts";
import type { Problem } from "./problem.ts";

export type Answer =
  | { readonly from: "fetch"; readonly progress: FetchProgress }
  | { readonly from: "server"; readonly state: ServerState };

/** Sizes of unknown total are told in steps of this. */
const STEP_BYTES = 100e6;

export function fetchProblem(progress: FetchProgress): Problem {
  const { stalled, message, reason } = progress;
  if (reason === "SecretMissing") return failure(reason, message);
  const told = inPercent(progress);
  if (!stalled) return waiting("load", "Downloading", `Downloading the weights: ${told}.`);
  const what = `Downloading the weights: ${told}, and nothing arrives`;
  return waiting("load", "DownloadStalled", `${what}: ${sentence(message)} It is tried again.`);
}

export function inspectProblem({ stalled, message, reason }: FetchProgress): Problem {
  if (reason === "SecretMissing") return failure(reason, message);
  if (!stalled) return INSPECTING;
  const what = "Reading the header of the weights, and nothing arrives";
  return waiting("source", "DownloadStalled", `${what}: ${sentence(message)} It is tried again.`);
}

export const INSPECTING: Problem = {
  stage: "source",
  reason: "Inspecting",
  message: "Reading the header of the weights to find out how much memory they need.",
  waits: true,
};

/** Undefined for a server that is ready: its pod is about to be. */
export function serverProblem(state: ServerState): Problem | undefined {
  switch (state.state) {
    case "loading": {
      const percent = Math.floor(100 * Math.min(1, Math.max(0, state.progress)));
      return waiting("load", "Loading", `Loading the weights: ${percent} %.`);
    }
    case "failed":
      return failure(state.reason, state.message);
    case "restarting":
      return waiting("load", "Restarting", sentence(state.message));
    case "draining":
      return waiting("load", "Draining", "The pod finishes its last requests.");
    case "asleep":
    case "ready":
      return undefined;
  }
}

export function waiting(stage: Problem["stage"], reason: string, message: string): Problem {
  return { stage, reason, message, waits: true };
}

function inPercent({ receivedBytes, totalBytes }: FetchProgress): string {
  if (totalBytes === undefined || totalBytes === 0) {
    return `${gigabytes(Math.floor(receivedBytes / STEP_BYTES) * STEP_BYTES)} so far`;
  }
  const percent = Math.floor((100 * receivedBytes) / totalBytes);
  const received = gigabytes((percent / 100) * totalBytes);
  return `${percent} % (${received} of ${gigabytes(totalBytes)})`;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
