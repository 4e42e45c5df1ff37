/**
 * The order of tokens inside a batch, and what the batches looked like.
 *
 * llama.cpp evaluates sequences together only when their numbers are consecutive and ascending in the
 * batch; in order of arrival it splits them. The library hands us the queued items with the priority we
 * gave them, which is their slot number.
 */
export type BatchItem = {
  readonly tokens: readonly number[];
  /** True for every token whose logits will be read. */
  readonly logits: readonly (true | undefined)[];
  readonly evaluationPriority: number;
};

export type BatchCounters = {
  /** Batches decoded since the start. */
  batches: number;
  /** Sequences in them, added up: divided by `batches`, how full they were. */
  sequences: number;
  /** Batches whose outputs llama.cpp has to reorder while several threads read them: see Generation.step. */
  unsafe: number;
};

export function slotOrder<Item extends BatchItem>(counters: BatchCounters) {
  return ({ items }: { readonly items: readonly Item[] }) => {
    counters.batches += 1;
    counters.sequences += items.length;
    if (items.length > 1 && items.some(hasOutputInChunk)) counters.unsafe += 1;
    return items
      .toSorted((a, b) => a.evaluationPriority - b.evaluationPriority)
      .map((item) => ({ item, processAmount: item.tokens.length }));
  };
}

function hasOutputInChunk({ tokens, logits }: BatchItem): boolean {
  return tokens.length > 1 && logits.includes(true);
}
