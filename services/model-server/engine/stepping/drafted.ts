/** What a draft model is asked before a step, and where its answers go. */
import type { Drafter } from "./drafter.ts";
import type { DecodedStep } from "./drafting.ts";
import type { Running, Slot } from "./slots.ts";
import type { SomeDrafting } from "./step.ts";

type Asked = {
  readonly drafter: Pick<Drafter, "propose">;
  readonly drafting: SomeDrafting;
  /** Tokens that each slot guesses at a time, at most. */
  readonly draftTokens: number;
};

/** Asks only where that pays and nothing was written before that says it better. */
export async function drafted(
  slots: readonly Slot[],
  { drafter, drafting, draftTokens }: Asked,
  abandoned: AbortSignal,
): Promise<DecodedStep["draft"]> {
  if (slots.some(({ running }) => isReading(running))) return undefined;
  const most = drafting.modelLength(slots.length, draftTokens);
  if (most === 0) return undefined;
  const chance = drafting.modelChance;
  const asked = slots.flatMap(({ number: sequence, owner, running }) => {
    const generation = running?.generation;
    const draftable = generation?.draftable;
    if (generation === undefined || draftable === undefined) return [];
    const { tokens, left } = draftable;
    if (generation.guesser.likelihood(left) >= chance) return [];
    return [{ generation, sequence, owner, tokens, most: Math.min(most, left) }];
  });
  if (asked.length === 0) return undefined;
  const { proposals, tokens, writingMs } = await drafter.propose(asked, abandoned);
  const observe = (right: boolean): void => drafting.observeModel(right);
  for (const [index, { generation }] of asked.entries()) {
    generation.guesser.offer({ tokens: proposals[index] ?? [], chance, observe });
  }
  return { tokens, durationMs: writingMs };
}

function isReading(running: Running | undefined): boolean {
  return running !== undefined && running.generation.remainingPrompt > 0;
}
