/**
 * Finds stop strings in text that arrives in pieces.
 *
 * It releases only text that can no longer become part of a stop string, so a stop string is never
 * leaked, not even by its first characters. The match is the stop string that is complete first; of
 * two complete at the same character, the longer. How the text was cut into pieces changes nothing.
 */
export type Scan = {
  /** Text that may be sent. */
  readonly released: string;
  /** The stop string that ended the text, if one did. */
  readonly stop?: string;
};

export class StopScanner {
  #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== "").toSorted((a, b) => b.length - a.length);
  }

  /** From here on there is nothing to look for. */
  ignoreAll(): void {
    this.#stops = [];
  }

  push(piece: string): Scan {
    if (this.#stops.length === 0) return { released: this.finish() + piece };
    const text = this.#held + piece;
    const match = firstMatch(text, this.#stops);
    if (match !== undefined) {
      this.#held = "";
      return { released: text.slice(0, match.start), stop: match.stop };
    }
    const keep = heldLength(text, this.#stops);
    this.#held = text.slice(text.length - keep);
    return { released: text.slice(0, text.length - keep) };
  }

  /** What was held back, once it is known that nothing follows. */
  finish(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}

function firstMatch(
  text: string,
  stops: readonly string[],
): { start: number; stop: string } | undefined {
  let best: { start: number; end: number; stop: string } | undefined;
  for (const stop of stops) {
    const start = text.indexOf(stop);
    if (start === -1) continue;
    const end = start + stop.length;
    // Longer stops come first, so a tie is already decided.
    if (best === undefined || end < best.end) best = { start, end, stop };
  }
  return best;
}

/** Length of the longest end of `text` that is the beginning of a stop string. */
function heldLength(text: string, stops: readonly string[]): number {
  let held = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > held; length--) {
      if (text.endsWith(stop.slice(0, length))) held = length;
    }
  }
  return held;
}
