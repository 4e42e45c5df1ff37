/**
 * One thing that keeps a model from serving, in words for a person.
 *
 * The stage says which condition it belongs to. What `waits` goes away by itself (a download, a start); the
 * rest does not, and a person has to read it first.
 */

/** In the order in which a model gets through them. */
const STAGES = ["spec", "source", "schedule", "load"] as const;
export type Stage = (typeof STAGES)[number];

export type Problem = {
  readonly stage: Stage;
  /** CamelCase, one of docs/status.md or of packages/weights' errors. */
  readonly reason: string;
  /** What is, and what to do about it. */
  readonly message: string;
  readonly waits: boolean;
};

/** What needs a person before what passes, and what stands earlier in the way before what comes later. */
export function mostTellingFirst(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(
    (a, b) =>
      Number(a.waits) - Number(b.waits) || STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage),
  );
}
