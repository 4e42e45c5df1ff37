/**
 * What a fetch reports while it runs.
 *
 * Events come at most ten times a second plus at every change of phase, so a consumer may pass them on
 * (to a terminal, over IPC, into a status) without thinking about rates.
 */

export type WeightsPhase =
  /** Another process or caller fetches the same file; bytes are the other's. */
  | "waiting"
  | "downloading"
  | "unpacking"
  /** Reading a file again to be sure of it; bytes are those read. */
  | "verifying";

export type WeightsProgress = {
  readonly phase: WeightsPhase;
  /** Of the whole model: all parts of a split GGUF together. */
  readonly receivedBytes: number;
  /** Absent while nobody has said how much it will be. */
  readonly totalBytes?: number;
  /** Only for a split GGUF; counts from 1. */
  readonly part?: number;
  readonly parts?: number;
};

export type OnProgress = (progress: WeightsProgress) => void;

const INTERVAL_MS = 100;

export function throttled(onProgress: OnProgress, now: () => number = Date.now): OnProgress {
  let lastMs = -Infinity;
  let lastPhase: string | undefined;
  return (progress) => {
    const phase = `${progress.phase} ${progress.part ?? 0}`;
    const complete = progress.receivedBytes === progress.totalBytes;
    if (phase === lastPhase && !complete && now() - lastMs < INTERVAL_MS) return;
    lastMs = now();
    lastPhase = phase;
    onProgress(progress);
  };
}

/** Progress of one part as progress of all; `sizes` are of all parts, where known. */
export function partOf(
  onProgress: OnProgress,
  part: { index: number; sizes: readonly (number | undefined)[] },
): OnProgress {
  const { index, sizes } = part;
  if (sizes.length === 1) return onProgress;
  const before = sum(sizes.slice(0, index)) ?? 0;
  const after = sum(sizes.slice(index + 1));
  return ({ totalBytes, ...progress }) => {
    const own = totalBytes ?? sizes[index];
    const total = own === undefined || after === undefined ? undefined : before + own + after;
    onProgress({
      ...progress,
      receivedBytes: before + progress.receivedBytes,
      ...(total === undefined ? {} : { totalBytes: total }),
      part: index + 1,
      parts: sizes.length,
    });
  };
}

/** Undefined as soon as one of them is. */
function sum(sizes: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const size of sizes) {
    if (size === undefined) return undefined;
    total += size;
  }
  return total;
}
