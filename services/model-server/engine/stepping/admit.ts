/** Gives free slots to waiting choices, those of one prompt together: it is evaluated once for all of them. */
import type { Vocabulary } from "../text/vocabulary.ts";
import { Generation } from "./generation.ts";
import type { Job } from "./job.ts";
import { nextInLine } from "./queue.ts";
import { choiceSeed } from "./seeds.ts";
import { isWorthWaitingFor, type Running, type Slot, type Slots } from "./slots.ts";
import type { StepContext } from "./step-context.ts";

/** What every choice is generated with. */
export type Generating = {
  readonly context: StepContext;
  /** Of each slot. */
  readonly contextTokens: number;
  readonly vocabulary: Vocabulary;
  /** Tokens that end an answer. */
  readonly ends: ReadonlySet<number>;
  /** Tokens that each slot guesses at a time, at most. Default: none. */
  readonly draftTokens?: number;
};

type Waiting = {
  /** In order of arrival; some may come and go meanwhile. */
  readonly jobs: ReadonlyMap<number, Job>;
  readonly slots: Slots;
  readonly onStarted: (job: Job, choice: number, cachedTokens: number) => void;
  /** Its slot holds less than was expected: it has to look at what it shows before it is asked again. */
  readonly onLacking: (job: Job) => void;
};

/** As long as there are both. */
export async function admit(
  { jobs, slots, onStarted, onLacking }: Waiting,
  by: Generating,
): Promise<void> {
  for (;;) {
    const job = nextInLine([...jobs.values()].filter((one) => !waitsForSibling(one, slots)));
    if (job === undefined) return;
    const { choice, prompt, sight } = job.next;
    const slot = await slots.take(job, prompt);
    if (slot === undefined) return;
    const cachedTokens = slot.tokens.length;
    if (sight?.lacks(cachedTokens) === true) {
      onLacking(job);
      continue;
    }
    job.started(cachedTokens);
    const sighted = sight?.use();
    const generation = generationOf(slot, job, { prompt, choice, sighted }, by);
    slot.running = { job, prompt, generation, sighted, begun: false, prefilled: false };
    onStarted(job, choice, cachedTokens);
  }
}

/** Choices of one prompt begin together, when it has been evaluated once. */
function waitsForSibling(job: Job, slots: Slots): boolean {
  if (job.unstarted === 0 || job.running === 0) return false;
  const { prompt } = job.next;
  if (!isWorthWaitingFor(prompt)) return false;
  return slots.running.some(
    ({ running }) => running?.prompt === prompt && running.generation.remainingPrompt > 0,
  );
}

function generationOf(
  slot: Slot,
  { request, guide }: Job,
  { prompt, choice, sighted }: Pick<Running, "prompt" | "sighted"> & { readonly choice: number },
  { context, contextTokens, vocabulary, ends, draftTokens = 0 }: Generating,
): Generation {
  return new Generation({
    choice,
    request,
    prompt,
    sighted,
    seed: choiceSeed(request.sampling.seed, choice % request.choicesPerPrompt),
    context,
    sequence: slot.number,
    cachedTokens: slot.tokens.length,
    contextTokens,
    vocabulary,
    ends,
    guide: guide?.(),
    // Where a sequence cannot be cut, what was guessed wrong stays in it.
    draftTokens: context.cutsAnywhere ? draftTokens : 0,
  });
}
