/**
 * What `GET /progress` answers: the latest news of the work, and whether it has been silent for too long.
 *
 * Files come one after the other, so the bytes are those of all files so far, and the total is what is known
 * by now; nearly all of it is the weights, which come first.
 */
import type { FetchProgress } from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { WeightsProgress } from "@localmodel/weights/progress/progress.ts";
import { formatBytes, formatDuration } from "@localmodel/weights/progress/units.ts";

/** Longest silence of a download that is taken for a pause. */
const SILENCE_MS = 15_000;

const VERBS = {
  waiting: "Waiting for another pod that fetches",
  downloading: "Downloading",
  unpacking: "Unpacking",
  verifying: "Verifying",
} as const;

export class ProgressBoard {
  readonly #now: () => number;
  #latest: FetchProgress;
  #doneBytes = 0;
  #heardAtMs: number;

  constructor(message: string, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#latest = { message, receivedBytes: 0, stalled: false };
    this.#heardAtMs = now();
  }

  get current(): FetchProgress {
    const silentMs = this.#now() - this.#heardAtMs;
    if (this.#latest.stalled || silentMs < SILENCE_MS) return this.#latest;
    const message = `${this.#latest.message}; nothing has arrived for ${formatDuration(silentMs)}`;
    return { ...this.#latest, message, stalled: true };
  }

  /** Something has arrived of the file with this role. */
  moved(role: string, progress: WeightsProgress): void {
    const { phase, receivedBytes, totalBytes } = progress;
    this.#heardAtMs = this.#now();
    this.#latest = {
      message: `${VERBS[phase]} ${role}: ${amount(receivedBytes, totalBytes)}`,
      receivedBytes: this.#doneBytes + receivedBytes,
      ...(totalBytes === undefined ? {} : { totalBytes: this.#doneBytes + totalBytes }),
      stalled: false,
    };
  }

  /** It does not go on for now; `reason` as in a termination message, where there is one. */
  waits(message: string, reason?: string): void {
    const { reason: _, ...latest } = this.#latest;
    this.#latest = {
      ...latest,
      message,
      stalled: true,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  /** One file is there, of so many bytes. */
  done(role: string, sizeBytes: number): void {
    this.#doneBytes += sizeBytes;
    this.#heardAtMs = this.#now();
    this.#latest = {
      message: `Fetched ${role}: ${formatBytes(sizeBytes)}`,
      receivedBytes: this.#doneBytes,
      totalBytes: this.#doneBytes,
      stalled: false,
    };
  }
}

function amount(receivedBytes: number, totalBytes: number | undefined): string {
  if (totalBytes === undefined || totalBytes <= 0) return formatBytes(receivedBytes);
  // 100 % is said only when it is true.
  const percent = Math.floor((Math.min(receivedBytes, totalBytes) / totalBytes) * 100);
  return `${percent} % of ${formatBytes(totalBytes)}`;
}
