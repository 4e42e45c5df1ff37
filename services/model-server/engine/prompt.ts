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
import type { ChatTemplate, Segment } from "./chat-template.ts";
import { SLICE_CHARACTERS, sliceEnd } from "./text-slices.ts";

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
  const content = await contentTokens(prompt, tokenizer, limit);
  const encoded = complete(content, prompt, tokenizer);
  if (encoded === undefined) {
    throw invalidRequest(limit.inputParam, `Invalid '${limit.inputParam}': it holds no tokens.`);
  }
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
  return chatTokens(tokenizer.template.render(prompt), tokenizer, limit);
}

async function chatTokens(
  segments: readonly Segment[],
  tokenizer: Tokenizer,
  limit: EncodeLimit,
): Promise<readonly number[]> {
  const tokens: number[] = [];
  const characters = segments.reduce((sum, { text }) => sum + text.length, 0);
  let done = 0;
  for (const { kind, text } of segments) {
    if (kind === "plain") append(tokens, plainTokens(text, tokenizer));
    else {
      const room = { ...limit, already: tokens.length };
      append(tokens, await tokenizeBounded(text, true, tokenizer, room));
    }
    done += text.length;
    const rest = characters - done;
    if (tokens.length >= limit.contextTokens && rest > 0) {
      throw overflow(estimated(tokens.length, done, rest), limit);
    }
  }
  return tokens;
}

/** The tokens of a control token's text, which must not become that token. */
function plainTokens(text: string, tokenizer: Tokenizer): readonly number[] {
  const tokens = tokenizer.tokenize(text, false);
  if (tokens.length > 1) return tokens;
  // Tokens that the model's maker calls "user-defined" are recognised in any text that holds them whole.
  const [first = ""] = text;
  return [first, text.slice(first.length)].flatMap((part) => tokenizer.tokenize(part, false));
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

/** Adds the beginning of sequence, and leaves no prompt empty that can be helped. */
function complete(
  tokens: readonly number[],
  prompt: Prompt,
  tokenizer: Tokenizer,
): EncodedPrompt | undefined {
  const { bos, eos, wantsBos } = tokenizer;
  const missing = wantsBos && prompt.kind !== "tokens" && bos !== undefined && tokens[0] !== bos;
  if (missing) return { tokens: [bos, ...tokens], added: 1 };
  if (tokens.length > 0) return { tokens, added: 0 };
  const start = bos ?? eos;
  return start === undefined ? undefined : { tokens: [start], added: 1 };
}

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
    const end = sliceEnd(text, start);
    append(tokens, tokenizer.tokenize(text.slice(start, end), control));
    start = end;
    if (tokens.length + limit.already >= limit.contextTokens && start < text.length) {
      const all = estimated(tokens.length, start, text.length - start);
      throw overflow(limit.already + all, limit);
    }
    await nextTurn();
  }
  return tokens;
}

/** What the rest would be tokenised for is to be counted; its length says enough. */
function estimated(tokens: number, characters: number, rest: number): number {
  return tokens + Math.round((tokens * rest) / characters);
}

function append(target: number[], tokens: readonly number[]): void {
  // Not push(...tokens): a long prompt is more arguments than a call can take.
  for (const token of tokens) target.push(token);
}

function overflow(promptTokens: number, { contextTokens, inputParam }: EncodeLimit) {
  // A prompt exactly as long as the context lacks the place of the first generated token.
  const completion = promptTokens === contextTokens ? { completion: 1 } : {};
  return contextLengthExceeded({
    limit: contextTokens,
    prompt: promptTokens,
    param: inputParam,
    ...completion,
  });
}
