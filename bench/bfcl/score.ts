/**
 * Scores of two servers on the same questions, and how far chance may have moved them.
 *
 * The leaderboard's non-live AST score is a mean of means: of simple calls (itself the mean over three languages), multiple,
 * parallel, and parallel multiple. A share's interval is Wilson's, a difference's Newcombe's for pairs; those of the score are
 * put together from them, each category's distance to its limit weighted and squared. None of them collapses where every
 * answer is wrong, as a bootstrap's would.
 */
import type { Row } from "../support/table.ts";

export type BothRight = {
  readonly category: string;
  readonly ours: boolean;
  readonly theirs: boolean;
};

export type Estimate = { readonly value: number; readonly low: number; readonly high: number };

/** Of the whole score. */
const WEIGHTS: Readonly<Record<string, number>> = {
  simple_python: 1 / 12,
  simple_java: 1 / 12,
  simple_javascript: 1 / 12,
  multiple: 1 / 4,
  parallel: 1 / 4,
  parallel_multiple: 1 / 4,
};

/** The normal distribution's quantile for 95 %. */
const Z = 1.959_964;

export function scoreRows(answers: readonly BothRight[]): readonly Row[] {
  const categories = [...new Set(answers.map(({ category }) => category))];
  const parts = categories.map((category) => {
    const all = answers.filter((one) => one.category === category);
    const ours = share(all.filter((one) => one.ours).length, all.length);
    const theirs = share(all.filter((one) => one.theirs).length, all.length);
    return { category, questions: all.length, ours, theirs, difference: difference(all) };
  });
  const isWhole = Object.keys(WEIGHTS).every((category) => categories.includes(category));
  const rows = parts.map(rowOf);
  if (!isWhole) return rows;
  const weights = categories.map((category) => WEIGHTS[category] ?? 0);
  return [
    ...rows,
    rowOf({
      category: "non-live AST",
      questions: answers.length,
      ours: weighted(
        weights,
        parts.map(({ ours }) => ours),
      ),
      theirs: weighted(
        weights,
        parts.map(({ theirs }) => theirs),
      ),
      difference: weighted(
        weights,
        parts.map(({ difference: each }) => each),
      ),
    }),
  ];
}

/** Wilson's interval. */
export function share(right: number, all: number): Estimate {
  const value = right / all;
  const scale = 1 + Z ** 2 / all;
  const middle = (value + Z ** 2 / (2 * all)) / scale;
  const half = (Z * Math.sqrt((value * (1 - value)) / all + Z ** 2 / (4 * all ** 2))) / scale;
  return { value, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Newcombe's interval for the difference of two shares of the same questions. */
export function difference(answers: readonly Omit<BothRight, "category">[]): Estimate {
  const count = (ours: boolean, theirs: boolean): number =>
    answers.filter((one) => one.ours === ours && one.theirs === theirs).length;
  const [both, one, other, none] = [
    count(true, true),
    count(true, false),
    count(false, true),
    count(false, false),
  ];
  const a = share(both + one, answers.length);
  const b = share(both + other, answers.length);
  const margins = (both + one) * (other + none) * (both + other) * (one + none);
  const correlation = margins === 0 ? 0 : (both * none - one * other) / Math.sqrt(margins);
  const distance = (x: number, y: number): number =>
    Math.sqrt(x ** 2 - 2 * correlation * x * y + y ** 2);
  const value = a.value - b.value;
  return {
    value,
    low: value - distance(a.value - a.low, b.high - b.value),
    high: value + distance(a.high - a.value, b.value - b.low),
  };
}

/** The weighted sum of independent estimates. */
export function weighted(weights: readonly number[], parts: readonly Estimate[]): Estimate {
  const sum = (of: (part: Estimate, weight: number) => number): number =>
    parts.reduce((all, part, at) => all + of(part, weights[at] ?? 0), 0);
  const value = sum((part, weight) => weight * part.value);
  return {
    value,
    low: value - Math.sqrt(sum((part, weight) => (weight * (part.value - part.low)) ** 2)),
    high: value + Math.sqrt(sum((part, weight) => (weight * (part.high - part.value)) ** 2)),
  };
}

function rowOf(part: {
  readonly category: string;
  readonly questions: number;
  readonly ours: Estimate;
  readonly theirs: Estimate;
  readonly difference: Estimate;
}): Row {
  return {
    category: part.category,
    questions: part.questions,
    "model server": inPercent(part.ours),
    "llama-server": inPercent(part.theirs),
    difference: inPercent(part.difference),
  };
}

function inPercent({ value, low, high }: Estimate): string {
  const [middle, from, to] = [value, low, high].map((one) => (100 * one).toFixed(1));
  return `${middle} (${from} to ${to})`;
}
