/**
 * One choice of one request while it holds a slot: from the first prompt token to the finish.
 *
 * A generation advances by steps. A step evaluates either a chunk of the prompt or one token, so the
 * scheduler can mix many generations in one batch and drop any of them between two steps. With log
 * probabilities a step has a second part, `explain`: the token just evaluated is evaluated once more
 * for the distribution that the sampler's options have not touched.
 */
import type {
  FinishReason,
  GenerateEvent,
  GenerateRequest,
} from "@localmodel/inference/generate.ts";
import { tokenLogprob } from "./logprobs.ts";
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { Distribution, Sequence, TokenStream } from "./sequence.ts";
import { type Assembled, TextAssembler } from "../text/text-assembler.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

type GenerationOptions = {
  readonly choice: number;
  readonly request: GenerateRequest;
  readonly prompt: EncodedPrompt;
  readonly seed: number;
  readonly sequence: Sequence;
  readonly contextTokens: number;
  readonly vocabulary: Vocabulary;
  readonly isEnd: (token: number) => boolean;
  /** See SampleOptions. */
  readonly onDecoded: () => void;
};

/** Prompt tokens whose distributions one step may ask for; each is a whole vocabulary long. */
const EXPLAINED_PROMPT_TOKENS = 8;

export class Generation {
  readonly sequence: Sequence;
  readonly choice: number;
  completionTokens = 0;
  /** Steps that evaluated a part of the prompt. */
  promptChunks = 0;
  /** Tokens of the prompt that were in the sequence's cache already. */
  readonly #cachedTokens: number;
  readonly #options: GenerationOptions;
  readonly #text: TextAssembler;
  readonly #prompt: readonly number[];
  readonly #tokens: number[];
  readonly #maxTokens: number;
  readonly #explained: ReturnType<typeof tokenLogprob>[] = [];
  #evaluated: number;
  #stream: TokenStream | undefined;
  #sampled: number | undefined;
  #distribution: Distribution | undefined;

  /** `sequence` holds the first `sequence.tokens.length` tokens of the prompt already. */
  constructor(options: GenerationOptions) {
    const { request, sequence, contextTokens } = options;
    const prompt = options.prompt.tokens;
    this.sequence = sequence;
    this.choice = options.choice;
    this.#options = options;
    this.#prompt = prompt;
    this.#text = new TextAssembler(request.stop);
    this.#tokens = [...prompt];
    this.#evaluated = sequence.tokens.length;
    this.#cachedTokens = this.#evaluated;
    this.#maxTokens = Math.min(request.maxTokens ?? contextTokens, contextTokens - prompt.length);
  }

  get evaluatedTokens(): number {
    return this.#evaluated - this.#cachedTokens;
  }

  /** Prompt tokens still to be evaluated; 0 while decoding. */
  get remainingPrompt(): number {
    return Math.max(0, this.#prompt.length - this.#evaluated);
  }

  /** Whether its next step asks for the logits of several tokens: see `step`. */
  get needsOwnBatch(): boolean {
    return this.#explainsPrompt && this.remainingPrompt > 0;
  }

  /**
   * Evaluates up to `promptBudget` tokens of the prompt, or the next token. Without a budget a prompt
   * sits the step out.
   *
   * In a batch that is `shared`, only a sequence's single token may ask for logits. Otherwise llama.cpp
   * has to put its outputs in order, does so at the first read, and is not safe when the library reads
   * for all sequences at once: answers would continue with each other's tokens. So the last token of a
   * prompt waits for a step of its own. Returns how many tokens of the prompt were evaluated.
   */
  async step(promptBudget: number, { shared }: { readonly shared: boolean }): Promise<number> {
    const prompt = this.#prompt;
    if (this.remainingPrompt === 0) {
      this.#sampled = await this.#stream?.next();
      return 0;
    }
    if (promptBudget === 0) return 0;
    const samples = this.#maxTokens > 0;
    const limit = this.#explainsPrompt ? EXPLAINED_PROMPT_TOKENS : promptBudget;
    const size = shared && samples ? Math.min(limit, this.remainingPrompt - 1) : limit;
    const chunk = prompt.slice(this.#evaluated, this.#evaluated + Math.max(1, size));
    const last = this.#evaluated + chunk.length === prompt.length;
    if (this.#explainsPrompt) await this.#explainPrompt(chunk);
    else if (!last || !samples) await this.sequence.prefill(chunk);
    if (last && samples) await this.#startSampling(chunk);
    this.#evaluated += chunk.length;
    this.promptChunks += 1;
    return chunk.length;
  }

  /** Whether this step's token needs `explain` before it is told. */
  get wantsExplanation(): boolean {
    return this.#sampled !== undefined && this.#options.request.topLogprobs !== undefined;
  }

  /** Between steps: makes room to evaluate the last token again. */
  async prepareExplanation(): Promise<void> {
    await this.sequence.truncate(this.#tokens.length - 1);
  }

  async explain(): Promise<void> {
    const [distribution] = await this.sequence.distributions(this.#tokens.slice(-1));
    this.#distribution = distribution;
  }

  /** What this step has to tell, in order. After a finish event the generation is over. */
  events(): GenerateEvent[] {
    const { isEnd, request } = this.#options;
    const events: GenerateEvent[] = [];
    if (this.remainingPrompt === 0 && request.echo && !this.#echoed) events.push(this.#echo());
    if (this.#maxTokens === 0) {
      if (this.remainingPrompt === 0) events.push(this.#finish("length"));
      return events;
    }
    const token = this.#sampled;
    if (token === undefined) return events;
    this.#sampled = undefined;
    if (isEnd(token)) return [...events, ...this.#endedBy(token), this.#finish("stop")];

    const assembled = this.#append(token);
    if (!isEmpty(assembled)) events.push(this.#delta(assembled));
    if (assembled.stopped) events.push(this.#finish("stop"));
    else if (this.completionTokens >= this.#maxTokens) {
      events.push(...this.#flush(), this.#finish("length"));
    }
    return events;
  }

  /** Lets go of the library's iterator; the sequence keeps its cache for the next prompt. */
  async end(): Promise<void> {
    await this.#stream?.end();
  }

  #echoed = false;

  get #explainsPrompt(): boolean {
    const { request } = this.#options;
    return request.echo && request.topLogprobs !== undefined;
  }

  async #startSampling(chunk: readonly number[]): Promise<void> {
    const { request, seed, onDecoded } = this.#options;
    // Explaining has evaluated the chunk already; sampling wants its last token once more.
    const tokens = this.#explainsPrompt ? chunk.slice(-1) : chunk;
    if (this.#explainsPrompt) await this.sequence.truncate(this.#tokens.length - 1);
    this.#stream = this.sequence.sample(tokens, {
      sampling: request.sampling,
      seed,
      ...((request.ignoreEos || (request.minTokens ?? 0) > 0) && {
        bansEnd: () => request.ignoreEos || this.completionTokens < (request.minTokens ?? 0),
      }),
      history: (window) => this.#tokens.slice(-window),
      onDecoded,
    });
    this.#sampled = await this.#stream.next();
  }

  async #explainPrompt(chunk: readonly number[]): Promise<void> {
    const { vocabulary, request, prompt } = this.#options;
    const distributions = await this.sequence.distributions(chunk);
    for (const [index, token] of chunk.entries()) {
      const position = this.#evaluated + index;
      if (position < prompt.added) continue;
      // OpenAI answers null for the first token, whether or not something precedes it here.
      const previous = index === 0 ? this.#distribution : distributions[index - 1];
      const known = position === prompt.added ? undefined : previous;
      this.#explained.push(tokenLogprob(vocabulary, token, known, request.topLogprobs ?? 0));
    }
    this.#distribution = distributions.at(-1);
  }

  #append(token: number): Assembled {
    const { vocabulary, request } = this.#options;
    this.#tokens.push(token);
    this.completionTokens += 1;
    const { topLogprobs, reportsPieces } = request;
    if (topLogprobs === undefined && reportsPieces !== true) {
      return this.#text.push(vocabulary.bytes(token));
    }
    return this.#text.push(vocabulary.bytes(token), {
      ...(topLogprobs !== undefined && {
        logprob: tokenLogprob(vocabulary, token, this.#distribution, topLogprobs),
      }),
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
  #endedBy(token: number): GenerateEvent[] {
    const { request, vocabulary } = this.#options;
    if (request.reportsPieces !== true) return this.#flush();
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

  #finish(reason: FinishReason): GenerateEvent {
    return { type: "finish", choice: this.#options.choice, reason };
  }
}

function isEmpty({ text, logprobs, pieces }: Assembled): boolean {
  return text === "" && logprobs.length === 0 && pieces.length === 0;
}

function pieceOf(token: number, vocabulary: Vocabulary) {
  return vocabulary.isControl(token) ? { token, control: vocabulary.textOf([token]) } : { token };
}
