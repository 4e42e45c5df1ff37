/**
 * A text to embed as tokens, cut where the client wants long ones cut.
 *
 * Of a text that is cut only as much is tokenised as could be left of it.
 */
import type { Truncation } from "@localmodel/inference/embed.ts";
import { contextLengthExceeded, invalidRequest } from "@localmodel/inference/refusals.ts";
import { type TextLimit, type TextTokenizer, textTokens } from "./text-tokens.ts";
import { Share } from "./turnstile.ts";

type EmbeddingInput = string | readonly number[];

export type InputLimits = {
  readonly contextTokens: number;
  /** How many tokens are evaluated for these: with the beginning and the end that the model wants. */
  readonly evaluatedTokens: (tokens: readonly number[]) => number;
  readonly truncation?: Truncation | undefined;
  /** How the input is called in a refusal. */
  readonly field: string;
  readonly signal?: AbortSignal;
  readonly share?: Share;
};

/** Without the beginning and the end. Throws a Failure for an input that cannot be embedded. */
export async function encodeInput(
  input: EmbeddingInput,
  tokenizer: TextTokenizer,
  limits: InputLimits,
): Promise<readonly number[]> {
  const { contextTokens, evaluatedTokens, truncation, field, signal, share = new Share() } = limits;
  const around = evaluatedTokens([]);
  const most = Math.min(contextTokens, truncation?.mostTokens ?? contextTokens);
  const limit = { contextTokens, field, share, ...(signal && { signal }) };
  const tokens =
    truncation === undefined
      ? await tokensOf(input, tokenizer, limit)
      : await truncated(input, tokenizer, { ...limit, ...truncation, room: most - around });
  const evaluated = evaluatedTokens(tokens);
  if (evaluated === 0) {
    throw invalidRequest(field, `Invalid '${field}': it holds no tokens, so it has no embedding.`);
  }
  if (evaluated > contextTokens) {
    throw contextLengthExceeded({ limit: contextTokens, prompt: evaluated, field });
  }
  return tokens;
}

async function tokensOf(
  input: EmbeddingInput,
  tokenizer: TextTokenizer,
  limit: TextLimit,
): Promise<readonly number[]> {
  if (typeof input !== "string") return input;
  return textTokens(input, { control: false }, tokenizer, limit);
}

async function truncated(
  input: EmbeddingInput,
  tokenizer: TextTokenizer,
  { cuts, room, ...limit }: TextLimit & Truncation & { readonly room: number },
): Promise<readonly number[]> {
  if (room <= 0) return [];
  const kept = <Sliceable extends string | readonly number[]>(all: Sliceable, most: number) =>
    (cuts === "end" ? all.slice(0, most) : all.slice(-most)) as Sliceable;
  if (typeof input !== "string") return kept(input, room);
  // No token has more characters than bytes.
  const part = kept(input, room * tokenizer.longestTokenBytes).toWellFormed();
  const all = { ...limit, contextTokens: Number.POSITIVE_INFINITY };
  return kept(await tokensOf(part, tokenizer, all), room);
}
