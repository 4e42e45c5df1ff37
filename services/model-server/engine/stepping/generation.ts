/**
 * One choice of one request while it holds a slot: from the first prompt token to the finish.
 *
 * A generation advances by steps. `next` says what it would evaluate, `settle` is told when that has been done and takes
 * what it needs of the outputs; so the scheduler can mix many generations in one batch and drop any of them between
 * two steps.
 *
 * Behind the token that is certain a step may evaluate some that are guessed. Each is chosen as it would have been without
 * the guess, from the same logits and by the same sampler, and as long as what is chosen is what was guessed, the next
 * logits are there already. So guesses change how fast a text comes, and never the text.
 */
import type {
  FinishReason,
  GenerateEvent,
  GenerateRequest,
  TokenLogprob,
} from "@localmodel/inference/generate.ts";
import type { Guide } from "../constraint/guide.ts";
import type { SlotNeed } from "./compose.ts";
import { Guesser, NO_GUESS } from "./guesser.ts";
import { guided } from "./guided.ts";
import { scoresPrompt } from "./job.ts";
import { cutRun } from "./row-runs.ts";
import type { Sighted } from "./sight.ts";
import { tokenLogprob } from "./logprobs.ts";
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { Chooser, Run, StepContext } from "./step-context.ts";
import { type Assembled, TextAssembler } from "../text/text-assembler.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

type GenerationOptions = {
  readonly choice: number;
  readonly request: GenerateRequest;
  readonly prompt: EncodedPrompt;
  /** What of the prompt is rows, where those are not cached. */
  readonly sighted?: Pick<Sighted, "rowsOf"> | undefined;
  readonly seed: number;
  readonly context: Pick<StepContext, "chooser" | "logits" | "logprobs">;
  /** The slot's, and how many tokens of the prompt are in its cache already. */
  readonly sequence: number;
  readonly cachedTokens: number;
  readonly contextTokens: number;
  readonly vocabulary: Vocabulary;
  /** Tokens that end an answer. */
  readonly ends: ReadonlySet<number>;
  /** Only where not every text will do. */
  readonly guide?: Guide | undefined;
  /** Tokens that are guessed at a time, at most. */
  readonly draftTokens: number;
};

/** A token of the answer that is not told yet. */
type Decided = {
  readonly token: number;
  readonly logprob?: TokenLogprob | undefined;
  /** No stop string may begin or end in it. */
  readonly ignoresStops?: boolean | undefined;
};

type FinishEvent = Extract<GenerateEvent, { type: "finish" }>;

export class Generation {
  readonly choice: number;
  completionTokens = 0;
  /** Steps that evaluated a part of the prompt. */
  promptChunks = 0;
  /** Tokens of all prompts that were evaluated since this one was let in, while it was not done. */
  waitedTokens = 0;
  readonly guesser: Guesser;
  readonly #options: GenerationOptions;
  readonly #text: TextAssembler;
  readonly #prompt: readonly number[];
  /** Prompt and answer. */
  readonly #tokens: number[];
  readonly #maxTokens: number;
  readonly #explained: TokenLogprob[] = [];
  #evaluated: number;
  #chooser: Chooser | undefined;
  readonly #decided: Decided[] = [];
  /** The answer is complete: behind the tokens that are decided nothing follows. With the token that says so. */
  #ended: { readonly token?: number } | undefined;
  #echoed = false;

  constructor(options: GenerationOptions) {
    const { request, contextTokens } = options;
    const prompt = options.prompt.tokens;
    this.choice = options.choice;
    this.#options = options;
    this.#prompt = prompt;
    this.#text = new TextAssembler(request.stop, request.thinking);
    this.#tokens = [...prompt];
    this.guesser = new Guesser(this.#tokens, options.draftTokens);
    this.#evaluated = options.cachedTokens;
    this.#maxTokens = Math.min(request.maxTokens ?? contextTokens, contextTokens - prompt.length);
    this.#put();
  }

  /** Of the prompt. */
  get evaluatedTokens(): number {
    return Math.min(this.#evaluated, this.#prompt.length) - this.#options.cachedTokens;
  }

  /** Prompt tokens still to be evaluated; 0 while decoding. */
  get remainingPrompt(): number {
    return Math.max(0, this.#prompt.length - this.#evaluated);
  }

  /** Asked once for each step. */
  get need(): SlotNeed {
    const { remainingPrompt, waitedTokens: waited } = this;
    if (remainingPrompt === 0) {
      const put = this.#pending - 1;
      const guess = put === 0 ? this.guesser.guess(this.#guessable) : NO_GUESS;
      return { prompt: 0, waited, put, scored: this.#explains, guess };
    }
    const prompt = this.#explains ? remainingPrompt : this.#pending;
    return { prompt, waited, put: 0, scored: this.#explainsPrompt, guess: NO_GUESS };
  }

  /** What a draft model would go on from, and for how many tokens at most; undefined where nothing may be guessed. */
  get draftable(): { readonly tokens: readonly number[]; readonly left: number } | undefined {
    const left = this.#guessable;
    const isAtChoice = this.remainingPrompt === 0 && this.#pending === 1;
    return isAtChoice && left > 0 ? { tokens: this.#tokens, left } : undefined;
  }

  /** What a step with so many tokens, and guesses behind them, evaluates; undefined where it sits the step out. */
  next(tokens: number, guesses = 0): Run | undefined {
    if (tokens === 0) return undefined;
    const from = this.#evaluated;
    const inPrompt = this.remainingPrompt > 0;
    // Tokens that were put behind the prompt are explained by outputs of their own.
    const most = inPrompt && this.#explains ? this.remainingPrompt : this.#pending;
    const run = this.#run(from, from + Math.min(tokens, most));
    if (guesses > 0) {
      return { ...run, tokens: [...run.tokens, ...this.guesser.take(guesses)], outputs: "all" };
    }
    const isWanted = inPrompt ? this.#explainsPrompt : this.#explains;
    if (isWanted) return { ...run, outputs: "all" };
    const last = run.tokens.length === most;
    return { ...run, outputs: last && this.#maxTokens > 0 ? "last" : "none" };
  }

  /** Or less: see row-runs.ts. */
  #run(from: number, most: number): Omit<Run, "outputs"> {
    const { sequence, prompt, sighted } = this.#options;
    const { to, position, rows } = cutRun(prompt.shown?.rows ?? [], from, most);
    const run = { sequence, position, tokens: this.#tokens.slice(from, to) };
    if (rows === undefined || sighted === undefined) return run;
    return { ...run, rows: { ...rows, encoded: sighted.rowsOf(rows.chunk) } };
  }

  /**
   * What `next` said has been evaluated; `index` is that of its first token among the outputs. Returns how many of its
   * tokens are the text's: what was guessed wrong, and what comes behind it, is not.
   */
  settle({ tokens, outputs }: Run, index: number): number {
    if (this.remainingPrompt > 0) {
      this.promptChunks += 1;
      if (outputs === "all") this.#explainPrompt(tokens.length, index);
    }
    let settled = 0;
    while (settled < tokens.length && tokens[settled] === this.#tokens[this.#evaluated]) {
      settled += 1;
      this.#evaluated += 1;
      const hasOutput = outputs === "all" || (outputs === "last" && settled === tokens.length);
      if (hasOutput) this.#goOn(index + settled - 1);
    }
    this.guesser.learn();
    return settled;
  }

  /** By the outputs behind all that is evaluated. */
  #goOn(index: number): void {
    if (this.#explains) this.#explainPut(index);
    if (this.#pending === 0 && this.#isOpen) this.#choose(index);
  }

  /** What this step has to tell, in order. After a finish event the generation is over. */
  events(): GenerateEvent[] {
    if (this.remainingPrompt > 0) return [];
    const events: GenerateEvent[] = [];
    if (this.#options.request.echo && !this.#echoed) events.push(this.#echo());
    if (this.#maxTokens === 0) return [...events, this.#finish("length")];
    events.push(...this.#tellDecided());
    const isOver = events.at(-1)?.type === "finish";
    if (isOver || this.#ended === undefined || this.#decided.length > 0) return events;
    return [...events, ...this.#endedBy(this.#ended.token), this.#finish("stop")];
  }

  /** As far as it can be told, and not beyond a stop string or the last token that there may be. */
  #tellDecided(): GenerateEvent[] {
    const events: GenerateEvent[] = [];
    while (this.#canTell) {
      const assembled = this.#tell(this.#decided.shift());
      if (!isEmpty(assembled)) events.push(this.#delta(assembled));
      const { stop } = assembled;
      if (stop !== undefined) return [...events, { ...this.#finish("stop"), stop }];
      const isLast = this.#ended !== undefined && this.#decided.length === 0;
      if (this.completionTokens >= this.#maxTokens && !isLast) {
        return [...events, ...this.#flush(), this.#finish("length")];
      }
    }
    return events;
  }

  /** The slot keeps its cache for the next prompt. */
  end(): void {
    this.#chooser?.end();
    this.#chooser = undefined;
  }

  get #explains(): boolean {
    return this.#options.request.topLogprobs !== undefined;
  }

  get #explainsPrompt(): boolean {
    return scoresPrompt(this.#options.request);
  }

  /** Tokens to be evaluated until the next one can be chosen. */
  get #pending(): number {
    return this.#tokens.length - this.#evaluated;
  }

  /** Tokens of the answer that are decided, told or not. */
  get #answered(): number {
    return this.#tokens.length - this.#prompt.length;
  }

  /** A token follows the last guess in any case. */
  get #guessable(): number {
    const left = this.#maxTokens - this.#answered - 1;
    return Math.max(0, Math.min(this.#options.draftTokens, left));
  }

  /** Whether there is a next token to choose. */
  get #isOpen(): boolean {
    return this.#ended === undefined && this.#answered < this.#maxTokens;
  }

  get #canTell(): boolean {
    const [first] = this.#decided;
    return first !== undefined && (!this.#explains || first.logprob !== undefined);
  }

  #choose(index: number): void {
    const { request, seed, context, guide, ends } = this.#options;
    const { sampling, topLogprobs } = request;
    this.#chooser ??= context.chooser({ sampling, seed, prompt: this.#tokens });
    const logits = context.logits(index);
    const token = this.#chosen(logits, this.#chooser, index);
    if (ends.has(token)) {
      this.#ended = { token };
      return;
    }
    const logprob = topLogprobs === undefined ? undefined : this.#explain(token, index);
    guide?.accept(token);
    this.#decide({ token, logprob, ignoresStops: guide?.ignoresStops });
    this.#put();
  }

  #chosen(logits: Float32Array, chooser: Chooser, index: number): number {
    const { guide, ends } = this.#options;
    if (guide !== undefined) {
      const token = guided(guide, logits, { chooser, ends, bansEnd: this.#bansEnd });
      chooser.accept(token);
      return token;
    }
    return this.#bansEnd ? this.#withoutEnds(logits, chooser, index) : chooser.choose(index);
  }

  /** What needs no choice: a beginning that was given, text that alone can follow, and an end that comes of itself. */
  #put(): void {
    const { guide } = this.#options;
    if (guide === undefined) return;
    for (let due = guide.due; due.length > 0; due = guide.due) {
      for (const token of due) {
        if (!this.#isOpen || !guide.allows(token)) return;
        guide.accept(token);
        this.#chooser?.accept(token);
        this.#decide({ token, ignoresStops: guide.ignoresStops });
      }
    }
    if (guide.isOver) this.#ended = {};
  }

  #decide(decided: Decided): void {
    this.#tokens.push(decided.token);
    this.#decided.push(decided);
  }

  /** What chooses sees no end; what is told of the token afterwards is as the model meant it. */
  #withoutEnds(logits: Float32Array, chooser: Chooser, index: number): number {
    const { ends } = this.#options;
    const meant = Array.from(ends, (end) => [end, logits[end] ?? 0] as const);
    for (const [end] of meant) logits[end] = Number.NEGATIVE_INFINITY;
    const token = chooser.choose(index);
    for (const [end, logit] of meant) logits[end] = logit;
    return token;
  }

  get #bansEnd(): boolean {
    const { ignoreEos, minTokens = 0 } = this.#options.request;
    return ignoreEos || this.#answered < minTokens;
  }

  /** Of the tokens that the outputs from `index` on predict: each of the prompt's but the first. */
  #explainPrompt(length: number, index: number): void {
    const { vocabulary, prompt } = this.#options;
    for (let offset = 0; offset < length; offset += 1) {
      const at = this.#evaluated + offset;
      // OpenAI answers null for the first token, whether or not something precedes it here.
      if (at === prompt.added) {
        this.#explained.push(tokenLogprob(vocabulary, this.#prompt[at] ?? 0, undefined));
      }
      const following = this.#prompt[at + 1];
      if (at < prompt.added || following === undefined) continue;
      this.#explained.push(this.#explain(following, index + offset));
    }
  }

  /** Of a token that was put behind what is evaluated. */
  #explainPut(index: number): void {
    const at = this.#evaluated - (this.#tokens.length - this.#decided.length);
    const put = this.#decided[at];
    if (put === undefined || put.logprob !== undefined) return;
    this.#decided[at] = { ...put, logprob: this.#explain(put.token, index) };
  }

  /** As one that follows the output at `index`. */
  #explain(token: number, index: number): TokenLogprob {
    const { vocabulary, context, request } = this.#options;
    const found = context.logprobs(index, token, request.topLogprobs ?? 0);
    return tokenLogprob(vocabulary, token, found);
  }

  #tell(decided: Decided | undefined): Assembled {
    const { vocabulary, request } = this.#options;
    if (decided === undefined) throw new Error("There is no token to tell");
    const { token, logprob, ignoresStops = false } = decided;
    this.completionTokens += 1;
    const { topLogprobs, reportsPieces } = request;
    if (ignoresStops) this.#text.ignoreStops();
    if (topLogprobs === undefined && reportsPieces !== true) {
      return this.#text.push(vocabulary.bytes(token));
    }
    return this.#text.push(vocabulary.bytes(token), {
      ...(logprob && { logprob }),
      ...(reportsPieces === true && { piece: pieceOf(token, vocabulary) }),
    });
  }

  #echo(): GenerateEvent {
    this.#echoed = true;
    const { choice, prompt, vocabulary, request } = this.#options;
    const written = prompt.tokens.slice(prompt.added);
    const bytes = Buffer.concat(written.map((token) => vocabulary.labelBytes(token)));
    // What the caller wrote is echoed to the letter; token prompts are read as the model reads them.
    const text = prompt.text ?? this.#text.precede(bytes);
    return {
      type: "echo",
      choice,
      text,
      ...(request.topLogprobs !== undefined && { logprobs: this.#explained }),
    };
  }

  #flush(): GenerateEvent[] {
    const rest = this.#text.finish();
    return isEmpty(rest) ? [] : [this.#delta(rest)];
  }

  /** The token that ends an answer may say why it does: at a tool call, say. */
  #endedBy(token: number | undefined): GenerateEvent[] {
    const { request, vocabulary } = this.#options;
    if (request.reportsPieces !== true || token === undefined) return this.#flush();
    const piece = { token, control: vocabulary.textOf([token]) };
    const released = this.#text.push(new Uint8Array(), { piece });
    return [...(isEmpty(released) ? [] : [this.#delta(released)]), ...this.#flush()];
  }

  #delta({ text, logprobs, pieces }: Assembled): GenerateEvent {
    const { completionTokens } = this;
    return {
      type: "delta",
      choice: this.#options.choice,
      text,
      completionTokens,
      ...(logprobs.length > 0 && { logprobs }),
      ...(pieces.length > 0 && { pieces }),
    };
  }

  #finish(reason: FinishReason): FinishEvent {
    const { choice, request } = this.#options;
    const contextIsFull = reason === "length" && this.#maxTokens !== request.maxTokens;
    return { type: "finish", choice, reason, ...(contextIsFull && { contextIsFull }) };
  }
}

function isEmpty({ text, logprobs, pieces }: Assembled): boolean {
  return text === "" && logprobs.length === 0 && pieces.length === 0;
}

function pieceOf(token: number, vocabulary: Vocabulary) {
  return vocabulary.isControl(token) ? { token, control: vocabulary.textOf([token]) } : { token };
}
