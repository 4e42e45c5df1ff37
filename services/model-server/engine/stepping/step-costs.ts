/**
 * What steps take, by their rows: measured where there were such steps lately, estimated between and beyond.
 */

/** What a row more is thought to take before it was measured, of what a step of one row takes. */
const FIRST_SLOPE = 0.3;
/** How much the latest step counts. */
const WEIGHT = 0.25;
/** A hiccup of the machine is no step's own. */
const MOST_GROWTH = 1.5;
/** The machine changes: what was measured so many steps ago says nothing any more. */
const LASTING_STEPS = 256;

type Measured = { readonly rows: number; ms: number; step: number };

/** Asked several times a step, so nothing is made to answer: what is made is collected between steps that wait for it. */
export class StepCosts {
  /** The fewest rows first. */
  #measured: readonly Measured[] = [];
  #steps = 0;

  record(rows: number, durationMs: number): void {
    const step = ++this.#steps;
    const known = this.#measured.find((one) => one.rows === rows);
    if (known === undefined) {
      const all = [...this.#measured, { rows, ms: durationMs, step }];
      this.#measured = all.toSorted((a, b) => a.rows - b.rows);
    } else {
      const growth = Math.min(durationMs, MOST_GROWTH * known.ms);
      known.ms += WEIGHT * (growth - known.ms);
      known.step = step;
    }
    const lasts = (one: Measured): boolean => step - one.step < LASTING_STEPS;
    if (!this.#measured.every(lasts)) this.#measured = this.#measured.filter(lasts);
  }

  /** Whether steps of so many rows were measured. */
  knows(rows: number): boolean {
    return this.#measured.some((one) => one.rows === rows);
  }

  /**
   * The most rows that take no longer, from `least` on, by what is certain: steps of fewer rows take no longer, and a row
   * that was never measured no longer than one for itself.
   */
  rowsWithin(ms: number, least: number): number {
    const last = this.#measured.findLast((one) => one.rows >= least && this.ms(one.rows) <= ms);
    if (last === undefined) return least;
    const more = this.#measured.find(({ rows }) => rows > last.rows);
    const rowMs = this.ms(least) / least;
    const rows = last.rows + Math.floor((ms - this.ms(last.rows)) / rowMs);
    return more === undefined ? rows : Math.min(rows, more.rows - 1);
  }

  /** Never less for more rows. */
  ms(rows: number): number {
    let [leastMs, fewer]: [number, Measured | undefined] = [0, undefined];
    for (const one of this.#measured) {
      if (one.rows > rows) return Math.max(leastMs, between(fewer, one, rows));
      leastMs = Math.max(leastMs, one.ms);
      fewer = one;
    }
    return Math.max(leastMs, between(fewer, undefined, rows));
  }
}

function between(fewer: Measured | undefined, more: Measured | undefined, rows: number): number {
  if (fewer !== undefined && more !== undefined) {
    const share = (rows - fewer.rows) / (more.rows - fewer.rows);
    return fewer.ms + share * (more.ms - fewer.ms);
  }
  const near = fewer ?? more ?? { rows: 1, ms: 1 };
  return near.ms * (shape(rows) / shape(near.rows));
}

function shape(rows: number): number {
  return 1 + FIRST_SLOPE * (rows - 1);
}
