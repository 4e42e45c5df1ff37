/**
 * From what a request says to the tokens that are evaluated.
 *
 * Exactly one beginning-of-sequence token where the model wants one; none is added to prompts that come
 * as tokens. Chat content never becomes control tokens, a raw completion prompt may, since there the
 * caller writes the template. A prompt that cannot fit is refused without tokenising all of it.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  contextLengthExceeded,
  invalidRequest,
  modelNotCapable,
} from "@localmodel/openai/errors.ts";
import type { Prompt } from "../engine.ts";
import type { ChatTemplate } from "./chat-template.ts";

export type Tokenizer = {
  /** With `control`, control-token texts become control tokens. */
  tokenize(text: string, control: boolean): readonly number[];
  readonly bos: number | undefined;
  /** What stands for an empty prompt where there is no beginning-of-sequence token. */
  readonly eos: number | undefined;
  readonly wantsBos: boolean;
  readonly infill:
    | { readonly prefix: number; readonly suffix: number; readonly middle: number }
    | undefined;
  /** Whether text cut where words and lines begin tokenises to the same tokens. */
  readonly cutsAtSpaces: boolean;
  /** See Vocabulary.longestTokenBytes. */
  readonly longestTokenBytes: number;
  readonly template: ChatTemplate | undefined;
};

export type EncodedPrompt = {
  readonly tokens: readonly number[];
  /** Tokens at the beginning that the caller did not write. */
  readonly added: number;
};

export type EncodeLimit = {
  readonly contextTokens: number;
  readonly inputParam: "messages" | "prompt";
};

export async function encodePrompt(
  prompt: Prompt,
  tokenizer: Tokenizer,
  limit: EncodeLimit,
): Promise<EncodedPrompt> {
  const encoded = complete(await contentTokens(prompt, tokenizer, limit), prompt, tokenizer);
  // The last place of the context belongs to the first generated token.
  if (encoded.tokens.length >= limit.contextTokens) throw overflow(encoded.tokens.length, limit);
  return encoded;
}

async function contentTokens(
  prompt: Prompt,
  tokenizer: Tokenizer,
  limit: EncodeLimit,
): Promise<readonly number[]> {
  if (prompt.kind === "tokens") return prompt.tokens;
  if (prompt.kind === "text") return textTokens(prompt, tokenizer, limit);
  if (tokenizer.template === undefined) {
    throw modelNotCapable("This model has no usable chat template. Use /v1/completions instead.");
  }
  const tokens: number[] = [];
  for (const segment of tokenizer.template.render(prompt)) {
    const room = { ...limit, already: tokens.length };
    append(
      tokens,
      await tokenizeBounded(segment.text, segment.kind === "template", tokenizer, room),
    );
  }
  return tokens;
}

async function textTokens(
  { text, suffix }: { readonly text: string; readonly suffix?: string },
  tokenizer: Tokenizer,
  limit: EncodeLimit,
): Promise<readonly number[]> {
  const encode = (part: string) =>
    tokenizeBounded(part, suffix === undefined, tokenizer, { ...limit, already: 0 });
  if (suffix === undefined) return encode(text);
  const { infill } = tokenizer;
  if (infill === undefined) {
    throw invalidRequest(
      "suffix",
      "This model has no infill tokens, so it cannot honour `suffix`.",
    );
  }
  const tokens = [infill.prefix];
  append(tokens, await encode(text));
  tokens.push(infill.suffix);
  append(tokens, await encode(suffix));
  tokens.push(infill.middle);
  return tokens;
}

/** Adds the beginning of sequence, and never leaves a prompt empty. */
function complete(tokens: readonly number[], prompt: Prompt, tokenizer: Tokenizer): EncodedPrompt {
  const { bos, eos, wantsBos } = tokenizer;
  const missing = wantsBos && prompt.kind !== "tokens" && bos !== undefined && tokens[0] !== bos;
  if (missing) return { tokens: [bos, ...tokens], added: 1 };
  if (tokens.length > 0) return { tokens, added: 0 };
  const start = bos ?? eos;
  if (start === undefined) throw invalidRequest("prompt", "The prompt must not be empty.");
  return { tokens: [start], added: 1 };
}

/** Tokenising blocks the process: longer texts go in slices, with a turn of the event loop between. */
const SLICE_CHARACTERS = 16_384;

async function tokenizeBounded(
  text: string,
  control: boolean,
  tokenizer: Tokenizer,
  limit: EncodeLimit & { readonly already: number },
): Promise<readonly number[]> {
  if (text.length <= SLICE_CHARACTERS) return tokenizer.tokenize(text, control);
  const fewest = Math.ceil(Buffer.byteLength(text) / tokenizer.longestTokenBytes);
  if (limit.already + fewest >= limit.contextTokens) throw overflow(limit.already + fewest, limit);
  if (!tokenizer.cutsAtSpaces) return tokenizer.tokenize(text, control);
  const tokens: number[] = [];
  for (let start = 0; start < text.length;) {
    const end = cut(text, start + SLICE_CHARACTERS);
    append(tokens, tokenizer.tokenize(text.slice(start, end), control));
    start = end;
    if (tokens.length + limit.already >= limit.contextTokens && start < text.length) {
      // The rest would be tokenised only to be counted; its length says enough.
      const rest = Math.round((tokens.length * (text.length - start)) / start);
      throw overflow(limit.already + tokens.length + rest, limit);
    }
    await nextTurn();
  }
  return tokens;
}

/**
 * The first place from `from` on where every byte-level pre-tokeniser cuts anyway: before a space that a
 * letter follows, and before the end of a line that ends in a letter or digit.
 */
function cut(text: string, from: number): number {
  const boundary = /(?<=\S)(?= \p{L})|(?<=[\p{L}\p{N}])(?=\n)/gu;
  boundary.lastIndex = from;
  return boundary.exec(text)?.index ?? text.length;
}

function append(target: number[], tokens: readonly number[]): void {
  // Not push(...tokens): a long prompt is more arguments than a call can take.
  for (const token of tokens) target.push(token);
}

function overflow(promptTokens: number, { contextTokens, inputParam }: EncodeLimit) {
  return contextLengthExceeded({ limit: contextTokens, prompt: promptTokens, param: inputParam });
}
