/** "Did you mean …?": the nearest of the names that would have been right, if one is near enough. */

/** Fewer letters than this are too easily like something else. */
const DISTANCE_PER_LETTERS = 3;

export function nearest(name: string, candidates: readonly string[]): string | undefined {
  // Beyond this no candidate of ours can be near, and the table below would grow with the input.
  if (name.length > 64) return undefined;
  const limit = Math.max(1, Math.floor(name.length / DISTANCE_PER_LETTERS));
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      distance: distanceOf(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Letters to insert, drop, replace or swap with a neighbour (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swap = row > 1 && column > 1 && swapped ? at(beforeLast, column - 2) + 1 : Infinity;
      current.push(Math.min(replace, at(last, column) + 1, at(current, column - 1) + 1, swap));
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
