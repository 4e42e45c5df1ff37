/**
 * Which free slot a prompt gets.
 *
 *   1. the one that already holds the longest beginning of the prompt, if that is worth having and
 *      was put there by the same tenant;
 *   2. else one next to the running slots: llama.cpp evaluates sequences together only when their
 *      numbers are consecutive;
 *   3. else, on an idle engine, the one unused for longest, so that other conversations keep theirs.
 */
export type SlotView = {
  /** Sequence number in the engine's context. */
  readonly number: number;
  readonly busy: boolean;
  /** Tokens in its cache, and whose they are. */
  readonly tokens: readonly number[];
  readonly tenant: string;
  /** Ordinal of its last use; 0 was never used. */
  readonly lastUse: number;
};

/** A shorter common beginning (a template's first words) is not worth displacing a conversation. */
const WORTHWHILE_TOKENS = 16;

export function chooseSlot<Slot extends SlotView>(
  slots: readonly Slot[],
  prompt: readonly number[],
  tenant: string,
): Slot | undefined {
  const free = slots.filter((slot) => !slot.busy);
  const reusable = free
    .map((slot) => ({
      slot,
      length: slot.tenant === tenant ? commonPrefix(slot.tokens, prompt) : 0,
    }))
    .filter(({ length }) => length >= Math.min(WORTHWHILE_TOKENS, prompt.length - 1))
    .toSorted((a, b) => b.length - a.length || a.slot.number - b.slot.number);
  if (reusable[0] !== undefined && reusable[0].length > 0) return reusable[0].slot;

  const busy = slots.filter((slot) => slot.busy).map((slot) => slot.number);
  const distance = (slot: Slot) =>
    busy.length === 0 ? 0 : Math.min(...busy.map((number) => Math.abs(number - slot.number)));
  return free.toSorted(
    (a, b) => distance(a) - distance(b) || a.lastUse - b.lastUse || a.number - b.number,
  )[0];
}

export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a[index] === b[index]) index++;
  return index;
}
