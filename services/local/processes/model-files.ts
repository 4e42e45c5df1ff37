/**
 * The files of a model, fetched into the cache: its weights, then its adapters, its draft model and its projector.
 *
 * What may be different next time (a server that was down) is tried again, ever more slowly, for as long
 * as the model is wanted. Everything else needs a person and is thrown.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { PinnedFile } from "@localmodel/localmodel/contracts/pinned-file.ts";
import type { WeightsSource } from "@localmodel/localmodel/resource/source-spec.ts";
import type { Weights } from "@localmodel/weights/fetch-parts.ts";
import { fetchWeights } from "@localmodel/weights/fetch-weights.ts";
import type { WeightsProgress } from "@localmodel/weights/progress/progress.ts";
import { formatBytes, formatDuration } from "@localmodel/weights/progress/units.ts";
import { isTransient, WeightsError } from "@localmodel/weights/source/weights-error.ts";
import { restartDelayMs } from "../desired/backoff.ts";
import type { DesiredModel } from "../desired/desired.ts";
import type { ServerView } from "../desired/server-view.ts";
import { buildVision } from "./vision-build.ts";

export type ModelFiles = {
  readonly weightsPath: string;
  readonly projectorPath?: string;
  readonly draftPath?: string;
  readonly adapters: readonly {
    readonly id?: string;
    readonly path: string;
    readonly scale: number;
  }[];
  /** Those that have a checksum. */
  readonly pinnedFiles: readonly PinnedFile[];
};

type FetchHooks = {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: WeightsProgress) => void;
  readonly show: (view: ServerView) => void;
  readonly onLine: (line: string) => void;
};

export async function fetchFiles({ spec }: DesiredModel, hooks: FetchHooks): Promise<ModelFiles> {
  const weights = await fetchPersistently(spec.source, hooks);
  const pinnedFiles = [...weights.pinned];
  const adapters = [];
  for (const { id, scale, ...source } of spec.adapters ?? []) {
    const { path, pinned } = await fetchPersistently(source, hooks);
    adapters.push({ ...(id !== undefined && { id }), path, scale });
    pinnedFiles.push(...pinned);
  }
  const draft = spec.draft && (await fetchPersistently(spec.draft, hooks));
  pinnedFiles.push(...(draft?.pinned ?? []));
  const draftPath = draft?.path;
  const files = {
    weightsPath: weights.path,
    ...(draftPath !== undefined && { draftPath }),
    adapters,
    pinnedFiles,
  };
  if (spec.projector === undefined) return files;
  const projector = await fetchPersistently(spec.projector, hooks);
  pinnedFiles.push(...projector.pinned);
  return (await canSee(hooks)) ? { ...files, projectorPath: projector.path } : files;
}

/** Without the library the server is not told of the projector: it would say once more what is missing. */
async function canSee({ show, onLine }: FetchHooks): Promise<boolean> {
  const message = "making the library that looks at pictures: two minutes, once";
  show({ state: "loading", message });
  const problem = await buildVision();
  if (problem !== undefined) onLine(`it will not see pictures, only read text: ${problem}`);
  return problem === undefined;
}

async function fetchPersistently(source: WeightsSource, hooks: FetchHooks): Promise<Weights> {
  const { signal, show, onLine: log } = hooks;
  show({ state: "downloading", message: "looking for its weights" });
  const onProgress = (progress: WeightsProgress): void => {
    hooks.onProgress(progress);
    show(viewOf(progress));
  };
  for (let failures = 1; ; failures++) {
    try {
      return await fetchWeights(source, { signal, onProgress, log });
    } catch (error) {
      if (!(error instanceof WeightsError) || !isTransient(error.reason)) throw error;
      const delayMs = restartDelayMs(failures);
      const message = `${error.message}; trying again in ${formatDuration(delayMs)}`;
      log(message);
      show({ state: "downloading", message });
      await wait(delayMs, undefined, { signal });
    }
  }
}

function viewOf({ phase, receivedBytes, totalBytes }: WeightsProgress): ServerView {
  const total = totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`;
  return {
    state: "downloading",
    message: `${phase === "downloading" ? "" : `${phase}, `}${formatBytes(receivedBytes)}${total}`,
    ...(totalBytes !== undefined &&
      totalBytes > 0 && { progress: Math.min(1, receivedBytes / totalBytes) }),
  };
}
