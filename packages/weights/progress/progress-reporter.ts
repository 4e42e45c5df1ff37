/**
 * Shows progress to a person: one line that is redrawn on a terminal, one line per 10 % elsewhere.
 *
 *   using bar = progressReporter(process.stderr);
 *   await fetchWeights(source, { onProgress: bar.report });
 *
 * Nothing is written for what is over at once, such as weights that were in the cache. Disposing of it
 * leaves the terminal on a line of its own, whatever happened.
 */
import type { OnProgress, WeightsProgress } from "./progress.ts";
import { barLine, plainLine, type Rate, shareOf } from "./progress-line.ts";

type ProgressStream = { write(text: string): unknown };

export type ProgressReporter = Disposable & { readonly report: OnProgress };

type ReporterOptions = {
  /** Default: what the stream says about itself. */
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Put before every line, such as the model's name. */
  readonly label?: string;
  readonly now?: () => number;
};

const CLEAR_LINE = "\r\u001b[K";
const DEFAULT_COLUMNS = 80;
const STEPS = 10;
/** Without a total there are no tenths to report. */
const BYTES_PER_STEP = 250_000_000;

export function progressReporter(
  stream: ProgressStream & { isTTY?: boolean; columns?: number },
  options: ReporterOptions = {},
): ProgressReporter {
  const { isTTY = stream.isTTY ?? false, now = Date.now, label } = options;
  const prefix = label === undefined ? "" : `${label}: `;
  const meter = new RateMeter();
  const steps = new StepCounter();
  let isLineOpen = false;
  return {
    report(progress) {
      const rate = meter.update(progress, now());
      if (!isTTY) {
        if (steps.isDue(progress)) stream.write(`${prefix}${plainLine(progress, rate)}\n`);
        return;
      }
      const columns = (options.columns ?? stream.columns ?? DEFAULT_COLUMNS) - prefix.length - 1;
      isLineOpen = shareOf(progress) !== 1;
      const end = isLineOpen ? "" : "\n";
      stream.write(`${CLEAR_LINE}${prefix}${barLine(progress, rate, columns)}${end}`);
    },
    [Symbol.dispose]() {
      if (isLineOpen) stream.write("\n");
      isLineOpen = false;
    },
  };
}

/** Whether a plain line is due: at the start of each phase, and whenever another tenth is done. */
class StepCounter {
  #phase: string | undefined;
  #step = 0;

  isDue(progress: WeightsProgress): boolean {
    const share = shareOf(progress);
    const step = Math.floor(
      share === undefined ? progress.receivedBytes / BYTES_PER_STEP : share * STEPS,
    );
    const phase = `${progress.phase} ${share === undefined ? "open" : "of total"}`;
    if (phase === this.#phase && step <= this.#step) return false;
    this.#phase = phase;
    this.#step = step;
    return true;
  }
}

/**
 * Bytes per second, smoothed over a few seconds. Bytes that were there before (a resumed download) or
 * that go backwards (it starts over) are no speed.
 */
class RateMeter {
  #phase: string | undefined;
  #bytes = 0;
  #atMs = 0;
  #rate: Rate;

  update({ phase, receivedBytes }: WeightsProgress, nowMs: number): Rate {
    if (phase !== this.#phase || receivedBytes < this.#bytes) {
      this.#phase = phase;
      this.#rate = undefined;
      this.#mark(receivedBytes, nowMs);
      return undefined;
    }
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs < MIN_SAMPLE_MS) return this.#rate;
    const latest = ((receivedBytes - this.#bytes) * 1000) / elapsedMs;
    const weight = 1 - Math.exp(-elapsedMs / SMOOTHING_MS);
    this.#rate = this.#rate === undefined ? latest : this.#rate + (latest - this.#rate) * weight;
    this.#mark(receivedBytes, nowMs);
    return this.#rate;
  }

  #mark(bytes: number, atMs: number): void {
    this.#bytes = bytes;
    this.#atMs = atMs;
  }
}

const MIN_SAMPLE_MS = 200;
const SMOOTHING_MS = 3_000;
