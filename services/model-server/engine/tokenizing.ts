/**
 * What reads prompts and evaluates none: it takes no slot, and is bounded as the prompts of other requests are.
 */
import { Failure } from "@localmodel/inference/failure.ts";
import type { Prompt } from "@localmodel/inference/generate.ts";
import { modelNotCapable } from "@localmodel/inference/refusals.ts";
import {
  MEDIUM_TOKEN,
  type TokenizeEvent,
  type TokenizeRequest,
  type WrittenToken,
} from "@localmodel/inference/tokenize.ts";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import type { LoadedEngine } from "./load.ts";
import type { EngineOperation, Reporter } from "./operations.ts";
import { isRow } from "./prompt/picture-rows.ts";
import { promptTokens } from "./prompt/prompt.ts";
import { append, textTokens, tooLong } from "./prompt/text-tokens.ts";
import { CancelledError } from "./stepping/cancelled-error.ts";

type Read = Extract<TokenizeEvent, { type: "tokens" | "text" }>;

type Loaded = Pick<LoadedEngine, "facts" | "tokenizer" | "vocabulary" | "embedder">;

export function tokenizing(loaded: Loaded, reporter: Reporter): EngineOperation<"tokenize"> {
  const open = new Map<number, AbortController>();
  const tokenize = async (id: number, request: TokenizeRequest): Promise<void> => {
    const cancellation = new AbortController();
    open.set(id, cancellation);
    try {
      const read = await readPrompt(request, loaded, cancellation.signal);
      const usage = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 };
      reporter.send([
        { id, event: { type: "accepted", ...acceptedOf(read, request, loaded) } },
        { id, event: read },
        { id, event: { type: "done", usage } },
      ]);
    } catch (error) {
      if (error instanceof CancelledError) return;
      if (!(error instanceof Failure)) reporter.onBroken(error, 1);
      const failure =
        error instanceof Failure ? error : engineFailed("The engine failed to read this prompt.");
      reporter.send([{ id, failure: failure.data }]);
    } finally {
      open.delete(id);
    }
  };
  return {
    ask: (id, request) => void tokenize(id, request),
    cancel: (id) => open.get(id)?.abort(new CancelledError()),
  };
}

function acceptedOf(read: Read, request: TokenizeRequest, { vocabulary }: Loaded) {
  const tokens = read.type === "tokens" ? read.tokens : [];
  const text = () => (read.type === "text" ? read.text : vocabulary.textOf(read.tokens));
  return {
    promptTokens: tokens.length,
    ...(request.reportsPrompts === true && { prompts: [text()] }),
  };
}

async function readPrompt(
  request: TokenizeRequest,
  loaded: Loaded,
  signal: AbortSignal,
): Promise<Read> {
  const { prompts, gives, givesPieces = false } = request;
  const [prompt] = prompts;
  const { contextTokens } = loaded.facts;
  const { vocabulary } = loaded;
  if (gives === "text") return { type: "text", text: await textOf(prompt, loaded, signal) };
  const tokens = await tokensOf(request, loaded, signal);
  const pieces = givesPieces
    ? { pieces: tokens.map((token) => written(vocabulary.labelBytes(token))) }
    : {};
  return { type: "tokens", tokens, contextTokens, ...pieces };
}

async function textOf(
  prompt: Prompt,
  { facts, tokenizer, vocabulary }: Loaded,
  signal: AbortSignal,
): Promise<string> {
  const { contextTokens } = facts;
  if (prompt.kind === "text") return prompt.text;
  if (prompt.kind === "tokens") return vocabulary.textOf(prompt.tokens);
  if (tokenizer.template === undefined) {
    throw modelNotCapable("This model has no usable chat template.");
  }
  const { pictures: _pictures, sounds: _sounds, ...conversation } = prompt;
  const segments = await tokenizer.template.render(conversation, { contextTokens, signal });
  return segments.map(({ text }) => text).join("");
}

async function tokensOf(
  request: TokenizeRequest,
  loaded: Loaded,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const first = await firstTokens(request, loaded, signal);
  const { following = [], special } = request;
  if (following.length === 0) return first;
  const { facts, tokenizer } = loaded;
  const { contextTokens } = facts;
  const tokens = [...first];
  for (const part of following) {
    const limit = { contextTokens, signal, already: tokens.length };
    const control = special?.parses === true;
    const read =
      typeof part === "string" ? await textTokens(part, { control }, tokenizer, limit) : part;
    append(tokens, read);
    if (tokens.length > contextTokens) throw tooLong(limit);
  }
  return tokens;
}

async function firstTokens(
  { prompts, special }: TokenizeRequest,
  { facts, tokenizer, embedder }: Loaded,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const limit = { contextTokens: facts.contextTokens, signal };
  const [prompt] = prompts;
  if (prompt.kind !== "text" || special === undefined) {
    const tokens = await promptTokens(prompt, tokenizer, limit);
    return tokens.map((token) => (isRow(token) ? MEDIUM_TOKEN : token));
  }
  const tokens = await textTokens(prompt.text, { control: special.parses }, tokenizer, limit);
  if (!special.adds) return tokens;
  if (embedder !== undefined) return embedder.complete(tokens);
  const { bos, wantsBos } = tokenizer;
  return wantsBos && bos !== undefined && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}

function written(bytes: Uint8Array): WrittenToken {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return [...bytes];
  }
}
