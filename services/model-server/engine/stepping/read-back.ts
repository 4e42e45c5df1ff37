/**
 * Prompts as the model reads them, for those who read along: nothing that has been lost on the way, and neither pixels nor
 * samples.
 */
import { isRow } from "../prompt/picture-rows.ts";
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

export function readBack(
  { tokens, shown }: EncodedPrompt,
  vocabulary: Pick<Vocabulary, "textOf">,
): string {
  const texts: string[] = [];
  let from = 0;
  for (const { at, rows: count, label } of shown?.rows ?? []) {
    texts.push(vocabulary.textOf(tokens.slice(from, at)), `[${label}: ${count} tokens]`);
    from = at + count;
  }
  texts.push(vocabulary.textOf(tokens.slice(from).filter((token) => !isRow(token))));
  return texts.join("");
}
