/**
 * How many tokens a request may cost, guessed before anybody has counted them: what a key's limit sets aside for it.
 *
 * The prompt is taken at four bytes a token, as OpenAI does, each image in it at a number of its own, and each answer at
 * the maximum that the request names. What it really was is settled when it is over.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { filesIn } from "./files-in-text.ts";
import type { Field, Outline } from "./outline.ts";

export const BYTES_PER_TOKEN = 4;
/** What models make of a picture is between some dozens and some thousands. */
const IMAGE_TOKENS = 1024;
export function estimatedTokens(
  body: Buffer,
  outline: Outline,
  {
    fields,
    promptHeads = [],
    answerTokens,
  }: Pick<Endpoint, "fields" | "promptHeads" | "answerTokens">,
): number {
  const parts = [fields.prompt, ...promptHeads].map((name) => outline.field(name));
  const promptTokens =
    parts.reduce((sum, part) => sum + (part === undefined ? 0 : tokensOf(body, part)), 0) || 1;
  if (answerTokens === undefined) return promptTokens;
  const numberIn = (name: string) => {
    const [outer = name, inner] = name.split(".");
    const field = outline.field(outer);
    return inner === undefined ? numberOf(body, field) : numberInside(body, field, inner);
  };
  const named = answerTokens.maximum.map(numberIn).find((value) => value !== undefined);
  const maximum = named === 0 && answerTokens.zeroIsNone === true ? Infinity : named;
  const samples = answerTokens.samples.map((name) => numberIn(name) ?? 1);
  return promptTokens + Math.max(1, ...samples) * (maximum ?? answerTokens.unnamed);
}

/** The fields that it reads. */
export function estimatedFrom({ answerTokens }: Pick<Endpoint, "answerTokens">): readonly string[] {
  if (answerTokens === undefined) return [];
  const { maximum, samples } = answerTokens;
  return [...maximum, ...samples].map((name) => name.replace(/\..*/, ""));
}

function tokensOf(body: Buffer, { start, end }: Field): number {
  const text = body.subarray(start, end);
  let textBytes = text.length;
  let files = 0;
  for (const { from, to } of filesIn(text)) {
    textBytes -= to - from;
    files += 1;
  }
  return Math.ceil(textBytes / BYTES_PER_TOKEN) + files * IMAGE_TOKENS;
}

const NULL = "null";

/** Undefined for what is not there. What is no number of tokens, such as -1, has no end. */
function numberOf(body: Buffer, field: Field | undefined): number | undefined {
  if (field === undefined) return undefined;
  return numberFrom(body.toString("latin1", field.start, Math.min(field.end, field.start + 16)));
}

function numberFrom(text: string): number | undefined {
  if (text === NULL) return undefined;
  return /^\d{1,9}$/.test(text) ? Number(text) : Infinity;
}

/** Of an object that is longer, what stands inside is not looked for. */
const OBJECT_MAX_BYTES = 16_384;

function numberInside(body: Buffer, field: Field | undefined, name: string): number | undefined {
  if (field === undefined || field.end - field.start > OBJECT_MAX_BYTES) return undefined;
  try {
    const value: unknown = JSON.parse(body.toString("utf8", field.start, field.end));
    const inner = (value as Readonly<Record<string, unknown>> | null)?.[name];
    return inner === undefined ? undefined : numberFrom(JSON.stringify(inner));
  } catch {
    // The model server says what is wrong with it.
    return undefined;
  }
}
