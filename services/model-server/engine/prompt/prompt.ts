/**
 * From what a request says to the tokens that are evaluated.
 *
 * Exactly one beginning-of-sequence token where the model wants one; none is added to prompts that come
 * as tokens. Chat content never becomes control tokens, a raw completion prompt may, since there the
 * caller writes the template. A prompt that cannot fit is refused without tokenising all of it.
 */
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { invalidRequest, modelNotCapable } from "@localmodel/inference/refusals.ts";
import type { GenerateRequest, Prompt } from "@localmodel/inference/generate.ts";
import { isSound, type Medium } from "@localmodel/inference/picture.ts";
import type { ChatPrompt } from "./chat-template.ts";
import { fitted } from "./fitted-prompt.ts";
import type { Segment } from "./marks.ts";
import {
  audioTokensOf,
  layMedium,
  type PictureReader,
  requireAll,
  type Shown,
} from "./picture-prompt.ts";
import { isRow, type PlacedRows } from "./picture-rows.ts";
import { haveRoom, textsIn } from "./text-room.ts";
import {
  append,
  overflow,
  type TextLimit,
  type TextTokenizer,
  textTokens,
  tooLong,
} from "./text-tokens.ts";
import { Share } from "./turnstile.ts";

/** A chat template, on whatever thread it renders. */
type PromptTemplate = {
  render(prompt: ChatPrompt, limit: TextLimit): readonly Segment[] | Promise<readonly Segment[]>;
};

export type Tokenizer = TextTokenizer & {
  readonly bos: number | undefined;
  /** What stands for an empty prompt where there is no beginning-of-sequence token. */
  readonly eos: number | undefined;
  readonly wantsBos: boolean;
  readonly infill:
    | { readonly prefix: number; readonly suffix: number; readonly middle: number }
    | undefined;
  readonly template: PromptTemplate | undefined;
  /** Absent where the model has no projector. */
  readonly pictures?: PictureReader | undefined;
};

export type EncodedPrompt = {
  /** Rows of pictures and sounds among them: see picture-rows.ts. */
  readonly tokens: readonly number[];
  /** What these rows stand for. Absent: there are none. */
  readonly shown?: Shown;
  /** How many were heard. Absent: none. */
  readonly audioTokens?: number;
  /** Tokens at the beginning that the caller did not write. */
  readonly added: number;
  /** What the caller wrote, where it was text. */
  readonly text?: string;
};

/** All prompts of a request, one after the other. Throws for the first that cannot be evaluated. */
export async function encodePrompts(
  { prompts }: GenerateRequest,
  tokenizer: Tokenizer,
  limit: Pick<TextLimit, "contextTokens" | "signal">,
): Promise<EncodedPrompt[]> {
  const shared = { ...limit, share: new Share() };
  const encoded: EncodedPrompt[] = [];
  for (const prompt of prompts) encoded.push(await encodePrompt(prompt, tokenizer, shared));
  return encoded;
}

export async function encodePrompt(
  prompt: Prompt,
  tokenizer: Tokenizer,
  limit: TextLimit,
): Promise<EncodedPrompt> {
  const layOut = (one: Prompt): Promise<LaidOut> => laidOut(one, tokenizer, limit);
  const drops = prompt.kind === "chat" && prompt.dropsOldest === true;
  const { encoded, laid, ...whole } = await (drops ? fitted(prompt, layOut) : layOut(prompt));
  if (prompt.kind === "text") return { ...encoded, text: prompt.text };
  const { added } = encoded;
  return { ...encoded, ...shownIn(whole.prompt, tokenizer, { laid, added }) };
}

/** As many as would be evaluated. */
export async function promptTokens(
  prompt: Prompt,
  tokenizer: Tokenizer,
  limit: TextLimit,
): Promise<readonly number[]> {
  return (await laidOut(prompt, tokenizer, limit)).encoded.tokens;
}

type LaidOut = {
  readonly prompt: Prompt;
  readonly encoded: EncodedPrompt;
  /** Where its pictures and sounds are to be. */
  readonly laid: readonly PlacedRows[];
};

/** Throws for what does not fit. Pictures and sounds are known by their size only so far. */
async function laidOut(prompt: Prompt, tokenizer: Tokenizer, limit: TextLimit): Promise<LaidOut> {
  const laid: PlacedRows[] = [];
  const content = await contentTokens(prompt, tokenizer, limit, laid);
  const encoded = complete(content, prompt, tokenizer);
  if (encoded === undefined) {
    throw invalidRequest(PROMPT_FIELD, `Invalid '${PROMPT_FIELD}': it holds no tokens.`);
  }
  // The last place of the context belongs to the first generated token.
  if (encoded.tokens.length >= limit.contextTokens) throw overflow(encoded.tokens.length, limit);
  return { prompt, encoded, laid };
}

/** In the order of their indexes in laid rows. */
function mediaOf(prompt: Prompt): readonly Medium[] {
  if (prompt.kind !== "chat") return [];
  const { pictures = [], sounds = [] } = prompt;
  return [...pictures, ...sounds];
}

/** The prompt's pictures and sounds, where it has any. `added`: tokens that came before all others since. */
function shownIn(
  prompt: Prompt,
  { pictures: reader }: Tokenizer,
  { laid, added }: { readonly laid: readonly PlacedRows[]; readonly added: number },
): Pick<EncodedPrompt, "shown" | "audioTokens"> {
  const media = mediaOf(prompt);
  requireAll(media, laid);
  if (reader === undefined || laid.length === 0) return {};
  const audioTokens = audioTokensOf(media, laid);
  return {
    shown: { media, reader, rows: laid.map((rows) => ({ ...rows, at: rows.at + added })) },
    ...(audioTokens > 0 && { audioTokens }),
  };
}

async function contentTokens(
  prompt: Prompt,
  tokenizer: Tokenizer,
  limit: TextLimit,
  laid: PlacedRows[],
): Promise<readonly number[]> {
  if (prompt.kind === "tokens") return prompt.tokens;
  if (prompt.kind === "text") return completionTokens(prompt, tokenizer, limit);
  const { pictures = [], sounds: _, ...conversation } = prompt;
  const media = mediaOf(prompt);
  const { template, longestTokenBytes } = tokenizer;
  if (template === undefined) {
    throw modelNotCapable("This model has no usable chat template. Use /v1/completions instead.");
  }
  const { share = new Share() } = limit;
  const texts = textsIn([prompt.messages, prompt.tools, prompt.templateVariables, prompt.begun]);
  if (!(await haveRoom(texts, longestTokenBytes, limit, share))) throw tooLong(limit);
  const segments = await template.render(conversation, limit);
  return chatTokens(segments, tokenizer, {
    limit: { ...limit, share },
    media,
    firstSound: pictures.length,
    laid,
  });
}

type Given = {
  readonly limit: TextLimit;
  readonly media: readonly Medium[];
  /** Where sounds begin among them. */
  readonly firstSound: number;
  readonly laid: PlacedRows[];
};

async function chatTokens(
  segments: readonly Segment[],
  tokenizer: Tokenizer,
  given: Given,
): Promise<readonly number[]> {
  const { limit, laid } = given;
  const tokens: number[] = [];
  const { share = new Share() } = limit;
  const known = new Map<string, readonly number[]>();
  for (const [index, segment] of segments.entries()) {
    await share.pause(limit.signal);
    if ("index" in segment) {
      await layMedium(...placeOf(segment, tokenizer, given), { tokens, laid });
    } else if (segment.kind === "plain") {
      const plain = known.get(segment.text) ?? plainTokens(segment.text, tokenizer);
      known.set(segment.text, plain);
      append(tokens, plain);
    } else {
      const room = { ...limit, already: tokens.length };
      append(tokens, await textTokens(segment.text, { control: true }, tokenizer, room));
    }
    const isLast = index === segments.length - 1;
    if (tokens.length >= limit.contextTokens && !isLast) throw tooLong(limit, tokens.length);
  }
  if (isRow(tokens.at(-1) ?? 0)) throw modelNotCapable(NOTHING_FOLLOWS);
  return tokens;
}

/** An answer is what follows a token. */
const NOTHING_FOLLOWS =
  "The model's chat template puts nothing behind an image or a sound at the end.";

/** Of what a mark in the template's text stands for. */
function placeOf(
  segment: Extract<Segment, { readonly index: number }>,
  tokenizer: Tokenizer,
  { limit, media, firstSound }: Given,
) {
  const isHeard = segment.kind === "sound";
  const index = segment.index + (isHeard ? firstSound : 0);
  const { reader, medium } = readable(tokenizer, media, index);
  const label = `${isHeard ? "audio" : "image"} ${segment.index + 1}`;
  return [medium, { index, label, reader, signal: limit.signal }] as const;
}

function readable({ pictures: reader }: Tokenizer, media: readonly Medium[], index: number) {
  const medium = media[index];
  if (medium === undefined) throw new Error(`The prompt has no medium ${index}`);
  if (reader !== undefined) return { reader, medium };
  throw invalidRequest(
    medium.field,
    `This model does not take ${isSound(medium) ? "audio" : "images"}: it has no projector.`,
    "model_not_multimodal",
  );
}

/** The tokens of a control token's text, which must not become that token. */
function plainTokens(text: string, tokenizer: Tokenizer): readonly number[] {
  const tokens = tokenizer.tokenize(text, false);
  if (tokens.length > 1) return tokens;
  // Tokens that the model's maker calls "user-defined" are recognised in any text that holds them whole.
  const [first = ""] = text;
  return [first, text.slice(first.length)].flatMap((part) => tokenizer.tokenize(part, false));
}

async function completionTokens(
  { text, suffix }: { readonly text: string; readonly suffix?: string },
  tokenizer: Tokenizer,
  limit: TextLimit,
): Promise<readonly number[]> {
  const encode = (part: string) =>
    textTokens(part, { control: suffix === undefined }, tokenizer, limit);
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
