/**
 * The order of tokens inside a batch, and what the batches looked like.
 *
 * llama.cpp evaluates sequences together only when their numbers are consecutive and ascending in the
 * batch; in order of arrival it splits them. The library hands us the queued items with the priority we
 * gave them, which is their slot number.
 */
export type BatchItem = {
  readonly tokens: readonly number[];
  readonly evaluationPriority: number;
};

export type BatchCounters = {
  /** Batches decoded since the start. */
  batches: number;
  /** Sequences in them, added up: divided by `batches`, how full they were. */
  sequences: number;
};

export function slotOrder<Item extends BatchItem>(counters: BatchCounters) {
  return ({ items }: { readonly items: readonly Item[] }) => {
    counters.batches += 1;
    counters.sequences += items.length;
    return items
      .toSorted((a, b) => a.evaluationPriority - b.evaluationPriority)
      .map((item) => ({ item, processAmount: item.tokens.length }));
  };
}
