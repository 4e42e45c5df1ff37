/**
 * Which free slot a prompt gets.
 *
 *   1. the one that already holds the longest beginning of the prompt, if that is worth having and
 *      was put there by the same owner;
 *   2. else one next to the running slots: llama.cpp evaluates sequences together only when their
 *      numbers are consecutive;
 *   3. else, on an idle engine, the one unused for longest, so that other conversations keep theirs.
 *
 * Slots that are equal by one rule are told apart by the next: many conversations begin alike.
 */
export type SlotView = {
  /** Sequence number in the engine's context. */
  readonly number: number;
  readonly busy: boolean;
  /** Tokens in its cache, and whose they are. */
  readonly tokens: readonly number[];
  readonly owner: string;
  /** Ordinal of its last use; 0 was never used. */
  readonly lastUse: number;
};

/** A shorter common beginning (a template's first words) is not worth displacing a conversation. */
const WORTHWHILE_TOKENS = 16;
/** Nor is that of a prompt too short to have more: every prompt may begin with the same token. */
const FEWEST_TOKENS = 2;

export function chooseSlot<Slot extends SlotView>(
  slots: readonly Slot[],
  prompt: readonly number[],
  owner: string,
): Slot | undefined {
  // The last token is evaluated in any case.
  const reusable = prompt.length - 1;
  const worthwhile = Math.max(FEWEST_TOKENS, Math.min(WORTHWHILE_TOKENS, reusable));
  const reuse = (slot: Slot) => {
    const length = slot.owner === owner ? commonPrefix(slot.tokens, prompt) : 0;
    return length >= worthwhile ? Math.min(length, reusable) : 0;
  };
  const busy = slots.filter((slot) => slot.busy).map((slot) => slot.number);
  const distance = ({ number }: Slot) =>
    busy.length === 0 ? 0 : Math.min(...busy.map((other) => Math.abs(other - number)));
  const free = slots
    .filter((slot) => !slot.busy)
    .map((slot) => ({ slot, reuse: reuse(slot), distance: distance(slot) }));
  return free.toSorted(
    (a, b) =>
      b.reuse - a.reuse ||
      a.distance - b.distance ||
      a.slot.lastUse - b.slot.lastUse ||
      a.slot.number - b.slot.number,
  )[0]?.slot;
}

export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a[index] === b[index]) index++;
  return index;
}

export function beginsWith(tokens: readonly number[], beginning: readonly number[]): boolean {
  return tokens.length >= beginning.length && commonPrefix(tokens, beginning) === beginning.length;
}
