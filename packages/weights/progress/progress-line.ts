/**
 * Progress as text: a bar that fits a terminal's width, or a plain line.
 *
 * Pure; progress-reporter.ts decides when to write which.
 */
import type { WeightsPhase, WeightsProgress } from "./progress.ts";
import { formatBytes, formatDuration, formatRate } from "./units.ts";

const VERBS: Readonly<Record<WeightsPhase, string>> = {
  waiting: "Waiting for another download",
  downloading: "Downloading",
  unpacking: "Unpacking",
  verifying: "Verifying",
};

const MAX_BAR_COLUMNS = 40;
const MIN_BAR_COLUMNS = 8;

/** Bytes per second lately; undefined until there is something to measure. */
export type Rate = number | undefined;

/** "Downloading part 2 of 3:  42% of 4.92 GB, 31.0 MB/s, 1 min 32 s left" */
export function plainLine(progress: WeightsProgress, rate: Rate): string {
  return [`${headline(progress)}: ${amount(progress)}`, ...pace(progress, rate)].join(", ");
}

/** The same with a bar, never wider than `columns`. */
export function barLine(progress: WeightsProgress, rate: Rate, columns: number): string {
  const head = `${headline(progress)} `;
  const tail = ` ${[amount(progress), ...pace(progress, rate)].join(", ")}`;
  const share = shareOf(progress);
  const room = Math.min(MAX_BAR_COLUMNS, columns - head.length - tail.length - 2);
  const line =
    share === undefined || room < MIN_BAR_COLUMNS
      ? head.trimEnd() + tail
      : `${head}[${bar(share, room)}]${tail}`;
  return line.length <= columns ? line : line.slice(0, Math.max(0, columns));
}

/** 0 to 1, undefined while the total is unknown. */
export function shareOf({ receivedBytes, totalBytes }: WeightsProgress): number | undefined {
  if (totalBytes === undefined || totalBytes <= 0) return undefined;
  return Math.min(1, receivedBytes / totalBytes);
}

function headline({ phase, part, parts }: WeightsProgress): string {
  return part === undefined ? VERBS[phase] : `${VERBS[phase]} part ${part} of ${parts ?? part}`;
}

function amount(progress: WeightsProgress): string {
  const share = shareOf(progress);
  if (share === undefined) return formatBytes(progress.receivedBytes);
  // 100 % is said only when it is true.
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `${percent}% of ${formatBytes(progress.totalBytes ?? 0)}`;
}

function pace({ receivedBytes, totalBytes }: WeightsProgress, rate: Rate): readonly string[] {
  if (rate === undefined || rate <= 0) return [];
  const remaining = (totalBytes ?? receivedBytes) - receivedBytes;
  if (remaining <= 0) return [formatRate(rate)];
  return [formatRate(rate), `${formatDuration((remaining / rate) * 1000)} left`];
}

function bar(share: number, columns: number): string {
  const done = Math.floor(share * columns);
  return "#".repeat(done) + "-".repeat(columns - done);
}
