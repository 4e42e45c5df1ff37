/**
 * One file as it is ordered from one of its sources, and the check that it is what was ordered.
 */
import { WeightsError } from "./weights-error.ts";

export type Order = {
  /** Names the partial file; its lock is held. */
  readonly key: string;
  readonly sha256?: string;
  readonly hasAlternative: boolean;
};

export function requireChecksum(found: string, wanted: string | undefined): void {
  if (wanted === undefined || found === wanted) return;
  throw new WeightsError(
    "ChecksumMismatch",
    `the file's sha256 is ${found}, it should be ${wanted}; correct source.sha256 or the source`,
  );
}
