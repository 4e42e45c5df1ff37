/**
 * A query and a document as the one prompt that a reranker reads, composed as llama.cpp's server does.
 *
 * Control tokens come from the model alone: its template is cut at theirs, and what is between them is tokenised as plain
 * text together with the query and the document.
 */
import { contextLengthExceeded, modelNotCapable } from "@localmodel/inference/refusals.ts";
import type { RerankRequest } from "@localmodel/inference/rerank.ts";
import { append, type TextLimit, type TextTokenizer, textTokens } from "./text-tokens.ts";
import { Share } from "./turnstile.ts";

/** Tokens, or a text with places for the query and the document. */
export type PairPiece = { readonly tokens: readonly number[] } | { readonly text: string };

type Around = {
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly sep: number | undefined;
};

const QUERY = "{query}";
const DOCUMENT = "{document}";

/** Of a model without a template for pairs: `[BOS] query [EOS] [SEP] document [EOS]`, as far as it adds these to texts. */
export function plainPair({ bos, eos, sep }: Around): readonly PairPiece[] {
  return [known(bos), { text: QUERY }, known(eos, sep), { text: DOCUMENT }, known(eos)];
}

function known(...tokens: readonly (number | undefined)[]): PairPiece {
  return { tokens: tokens.filter((token) => token !== undefined) };
}

const SPECIAL_IN_PATTERNS = /[\\^$.*+?()[\]{}|/]/gu;

/** `control`: control tokens by their text. */
export function templatePair(
  template: string,
  control: ReadonlyMap<string, number>,
): readonly PairPiece[] {
  const texts = [...control.keys()].filter((text) => text !== "");
  if (texts.length === 0) return [{ text: template }];
  const patterns = texts
    .toSorted((a, b) => b.length - a.length)
    .map((text) => text.replaceAll(SPECIAL_IN_PATTERNS, String.raw`\$&`));
  return template.split(new RegExp(`(${patterns.join("|")})`, "u")).flatMap((part): PairPiece[] => {
    const token = control.get(part);
    if (token !== undefined) return [{ tokens: [token] }];
    return part === "" ? [] : [{ text: part }];
  });
}

type PairLimits = {
  readonly contextTokens: number;
  readonly pieces: readonly PairPiece[];
  readonly signal: AbortSignal;
};

/** A prompt for each document, in order. Throws a Failure naming the query, or the first document that does not fit. */
export async function encodePairs(
  request: RerankRequest,
  tokenizer: TextTokenizer,
  { contextTokens, pieces, signal }: PairLimits,
): Promise<readonly (readonly number[])[]> {
  const share = new Share();
  const encode: Encode = (text, limit) =>
    textTokens(text, { control: false }, tokenizer, { ...limit, share, signal });
  const frame = await frameOf(pieces, request.query, { contextTokens, encode });
  const { longestTokenBytes } = tokenizer;
  const pairs: (readonly number[])[] = [];
  for (const [index, document] of request.documents.entries()) {
    const field = `${request.documentsField}[${index}]`;
    const tokens = request.cuts
      ? await cutOff(document, frame, { ...request, encode, field, longestTokenBytes })
      : await encode(frame.head + document + frame.tail, { contextTokens, field });
    const prompt = frame.before.length + tokens.length + frame.after.length;
    if (prompt > contextTokens) {
      throw contextLengthExceeded({ limit: contextTokens, prompt, field });
    }
    pairs.push([...frame.before, ...tokens, ...frame.after]);
  }
  return pairs;
}

type Limit = Pick<TextLimit, "contextTokens" | "field">;
type Encode = (text: string, limit: Limit) => Promise<readonly number[]>;

/** What stands around a document, with the query in its place. */
type Frame = {
  readonly before: readonly number[];
  /** Text that is tokenised together with the document. */
  readonly head: string;
  readonly tail: string;
  readonly headTokens: number;
  readonly tailTokens: readonly number[];
  readonly after: readonly number[];
  /** Tokens of head, document and tail. */
  readonly room: number;
};

async function frameOf(
  pieces: readonly PairPiece[],
  query: string,
  { contextTokens, encode }: { readonly contextTokens: number; readonly encode: Encode },
): Promise<Frame> {
  const limit = { contextTokens, field: "query" };
  const withQuery = (text: string) => text.split(QUERY).join(query);
  const tokensOf = async (some: readonly PairPiece[]): Promise<readonly number[]> => {
    const tokens: number[] = [];
    for (const piece of some) {
      append(tokens, "tokens" in piece ? piece.tokens : await encode(withQuery(piece.text), limit));
    }
    return tokens;
  };
  const { at, text } = placeOf(pieces);
  const [head = "", tail = ""] = text.split(DOCUMENT).map(withQuery);
  const before = await tokensOf(pieces.slice(0, at));
  const after = await tokensOf(pieces.slice(at + 1));
  const headTokens = (await encode(head, limit)).length;
  const tailTokens = await encode(tail, limit);
  const prompt = before.length + headTokens + tailTokens.length + after.length;
  if (prompt >= contextTokens) {
    throw contextLengthExceeded({ limit: contextTokens, prompt, field: "query" });
  }
  const room = contextTokens - before.length - after.length;
  return { before, head, tail, headTokens, tailTokens, after, room };
}

/** The only piece that has a place for the document. */
function placeOf(pieces: readonly PairPiece[]): { readonly at: number; readonly text: string } {
  const places = pieces.flatMap((piece, at) => {
    const { text } = "text" in piece ? piece : { text: "" };
    return text
      .split(DOCUMENT)
      .slice(1)
      .map(() => ({ at, text }));
  });
  const [place] = places;
  if (place !== undefined && places.length === 1) return place;
  throw modelNotCapable(
    `The model's template for reranking must have one place for ${DOCUMENT}, but it has ${places.length}.`,
  );
}

type Cut = Pick<RerankRequest, "documentTokens"> & {
  readonly encode: Encode;
  readonly field: string;
  readonly longestTokenBytes: number;
};

/** As much of the document's beginning as there is room for, and as may be taken of it. */
async function cutOff(
  document: string,
  { head, tail, headTokens, tailTokens, room }: Frame,
  { documentTokens = Number.POSITIVE_INFINITY, encode, field, longestTokenBytes }: Cut,
): Promise<readonly number[]> {
  const most = Math.min(room - tailTokens.length, headTokens + documentTokens);
  // No token has more characters than bytes: what lies behind is cut off in any case.
  const part = document.slice(0, (most + 1) * longestTokenBytes).toWellFormed();
  const all = { contextTokens: Number.POSITIVE_INFINITY, field };
  const kept = await encode(head + part, all);
  if (kept.length > most) return [...kept.slice(0, most), ...tailTokens];
  const whole = await encode(head + part + tail, all);
  return whole.length > room ? [...kept, ...tailTokens] : whole;
}
