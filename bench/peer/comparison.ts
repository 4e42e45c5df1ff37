/** Two sides and the same work, in turns; a ratio is that of one round. Above 1 the first is better, whichever way it points. */
import { setTimeout as pause } from "node:timers/promises";
import { median } from "../support/statistics.ts";
import type { Row } from "../support/table.ts";
import type { Side } from "./sides.ts";
import { Standing } from "./standing.ts";
import type { Workload } from "./workloads.ts";

/** The threads of llama.cpp's server go on spinning for half a second and longer, which would be the other's cores. */
const SETTLE_MS = 1000;

type Pair = { readonly own: number; readonly other: number };

export async function compare(
  workloads: readonly Workload[],
  rounds: number,
  sides: { readonly own: () => Promise<Side>; readonly other: () => Promise<Side> },
): Promise<readonly Row[]> {
  if (workloads.length === 0) return [];
  await using own = await Standing.of(sides.own);
  await using other = await Standing.of(sides.other);
  const found: Row[] = [];
  for (const workload of workloads) {
    const pairs: Pair[] = [];
    // The first round warms both.
    for (let round = 0; round <= rounds; round += 1) {
      await pause(SETTLE_MS);
      const ours = await own.measure(workload);
      await pause(SETTLE_MS);
      const theirs = await other.measure(workload);
      if (round > 0) pairs.push({ own: ours, other: theirs });
    }
    found.push(rowOf(workload.name, other.name, { better: workload.better, pairs }));
  }
  return found;
}

export function rowOf(
  work: string,
  against: string,
  { better, pairs }: Pick<Workload, "better"> & { readonly pairs: readonly Pair[] },
): Row {
  const ratios = pairs.map(({ own, other }) => (better === "more" ? own / other : other / own));
  const row = {
    work,
    against,
    own: median(pairs.map(({ own }) => own)).toFixed(1),
    other: median(pairs.map(({ other }) => other)).toFixed(1),
    "times better": median(ratios).toFixed(2),
    range: `${Math.min(...ratios).toFixed(2)}..${Math.max(...ratios).toFixed(2)}`,
  };
  // A run that is interrupted has told what it knew.
  console.error(Object.values(row).join("  "));
  return row;
}
