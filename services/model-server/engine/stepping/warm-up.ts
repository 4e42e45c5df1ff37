/**
 * Touches all weights once: the first evaluation after loading takes many times as long as any later one.
 *
 * The ones behind it tell what a step costs, before anybody has asked for anything.
 */
import { FIRST_TOKENS, type Pace } from "./pace.ts";
import type { StepContext } from "./step-context.ts";

type Warmed = {
  readonly context: Pick<StepContext, "batchTokens" | "evaluate" | "keep" | "sequences">;
  /** Of each slot. */
  readonly contextTokens: number;
  readonly pace: Pace;
};

export async function warmUp(
  { context, contextTokens, pace }: Warmed,
  watched: <Result>(step: () => Promise<Result>) => Promise<Result>,
): Promise<void> {
  const sequence = context.sequences - 1;
  const evaluate = (tokens: number): Promise<number> =>
    watched(async () => {
      const before = performance.now();
      const run = { sequence, position: 0, tokens: Array.from({ length: tokens }, () => 0) };
      await context.evaluate([{ ...run, outputs: "last" }]);
      context.keep(sequence, 0);
      return performance.now() - before;
    });
  await evaluate(1);
  pace.record({ decoding: 1, waiting: 0, promptTokens: 0, durationMs: await evaluate(1) });
  const promptTokens = Math.min(FIRST_TOKENS.alone, context.batchTokens, contextTokens - 1);
  const durationMs = await evaluate(promptTokens);
  // What it says of one prompt it says of several.
  for (const waiting of [1, 2]) pace.record({ decoding: 0, waiting, promptTokens, durationMs });
}
