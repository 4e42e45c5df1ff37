/**
 * One step of all generations that hold a slot: as one batch, but for those that cannot share one.
 *
 * A generation that fails does not fail the others; its error is noted under its index.
 */
import type { Generation } from "./generation.ts";

/** What went wrong in a step, by the index of the generation. */
export type Failures = Map<number, unknown>;

type BatchMeasure = { readonly durationMs: number; readonly promptTokens: number };

/** Returns what the shared batch cost, unless something failed in it or there was none. */
export async function runStep(
  generations: readonly Generation[],
  budgets: readonly number[],
  failures: Failures,
): Promise<BatchMeasure | undefined> {
  const step = (index: number, shared: boolean): Promise<number> =>
    attempt(failures, index, 0, () => generations[index]?.step(budgets[index] ?? 0, { shared }));
  const indexes = [...generations.keys()];
  const own = indexes.filter((index) => generations[index]?.needsOwnBatch === true);
  const sharing = indexes.filter((index) => !own.includes(index));
  const before = performance.now();
  const evaluated = await Promise.all(sharing.map((index) => step(index, sharing.length > 1)));
  const durationMs = performance.now() - before;
  const clean = sharing.length > 0 && failures.size === 0;
  for (const index of own) await step(index, false);
  const promptTokens = evaluated.reduce((sum, tokens) => sum + tokens, 0);
  return clean ? { durationMs, promptTokens } : undefined;
}

/** The second part of a step, for tokens whose log probabilities were asked for. */
export async function explainTokens(
  generations: readonly Generation[],
  failures: Failures,
): Promise<void> {
  const wanting = [...generations.entries()].filter(
    ([index, generation]) => generation.wantsExplanation && !failures.has(index),
  );
  for (const [index, generation] of wanting) {
    await attempt(failures, index, undefined, () => generation.prepareExplanation());
  }
  await Promise.all(
    wanting.map(([index, generation]) =>
      attempt(failures, index, undefined, () => generation.explain()),
    ),
  );
}

async function attempt<Result>(
  failures: Failures,
  index: number,
  otherwise: Result,
  act: () => Promise<Result> | undefined,
): Promise<Result> {
  try {
    return (await act()) ?? otherwise;
  } catch (error) {
    failures.set(index, error);
    return otherwise;
  }
}
