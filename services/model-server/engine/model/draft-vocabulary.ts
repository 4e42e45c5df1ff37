/** Whether a draft model can speak for a model, as far as the kind and the length of their vocabularies tell. Pure. */

/** Vocabularies of one family are padded to different lengths. */
const PADDING_TOKENS = 256;

export type VocabularyShape = {
  /** As `tokenizer.ggml.model` has it; "none" without one. */
  readonly kind: string;
  readonly size: number;
};

/** A clause without its end; undefined for what fits. */
export function shapeProblem(own: VocabularyShape, drafts: VocabularyShape): string | undefined {
  if (own.kind !== drafts.kind) return `its tokenizer is ${drafts.kind}, not ${own.kind}`;
  if (Math.abs(own.size - drafts.size) <= PADDING_TOKENS) return undefined;
  return `its vocabulary has ${drafts.size} tokens, not ${own.size}`;
}
