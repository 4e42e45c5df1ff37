/** A request between its arrival at the engine and its last event. */
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import type { Guide } from "../constraint/guide.ts";
import type { EncodedPrompt } from "../prompt/prompt.ts";
import type { Waiting } from "./queue.ts";
import { Sight } from "./sight.ts";

type Prepared = {
  readonly prompts: readonly EncodedPrompt[];
  readonly guide?: (() => Guide) | undefined;
  /** Whose beginnings it may share (cache-owner.ts). */
  readonly owner: string;
};

/** What a generation that is over says of itself. */
type Ended = {
  readonly completionTokens: number;
  readonly guesser: { readonly drafted: number; readonly accepted: number };
};

export class Job implements Waiting, Disposable {
  readonly id: number;
  readonly request: GenerateRequest;
  readonly prompts: readonly EncodedPrompt[];
  /** Makes what each choice is held to. */
  readonly guide: (() => Guide) | undefined;
  readonly owner: string;
  /** It looks at pictures, and is not in line for a slot. */
  isLooking = false;
  /** Of the prompts, where they show something. */
  readonly #sights: readonly (Sight | undefined)[];
  readonly #choices: number;
  #started = 0;
  #finished = 0;
  #completionTokens = 0;
  #cachedTokens = 0;
  #draftedTokens = 0;
  #acceptedTokens = 0;

  constructor(id: number, request: GenerateRequest, { prompts, guide, owner }: Prepared) {
    this.id = id;
    this.request = request;
    this.prompts = prompts;
    this.guide = guide;
    this.owner = owner;
    this.#sights = prompts.map(({ shown }) => shown && new Sight(shown));
    this.#choices = prompts.length * request.choicesPerPrompt;
  }

  get unstarted(): number {
    return this.#choices - this.#started;
  }

  /** Nothing has been evaluated for the prompt of the next choice. */
  get isAtNewPrompt(): boolean {
    return this.#started % this.request.choicesPerPrompt === 0;
  }

  get running(): number {
    return this.#started - this.#finished;
  }

  get complete(): boolean {
    return this.#finished === this.#choices;
  }

  /** The choice whose turn it is, its prompt, and what that shows. */
  get next(): {
    readonly choice: number;
    readonly prompt: EncodedPrompt;
    readonly sight?: Sight;
  } {
    const index = Math.floor(this.#started / this.request.choicesPerPrompt);
    const prompt = this.prompts[index];
    if (prompt === undefined) throw new Error(`Request ${this.id} has no choice left to start`);
    const sight = this.#sights[index];
    return { choice: this.#started, prompt, ...(sight && { sight }) };
  }

  /** It is over: what no choice uses is not needed any more. */
  [Symbol.dispose](): void {
    for (const sight of this.#sights) sight?.[Symbol.dispose]();
  }

  started(cachedTokens: number): void {
    // `usage` counts a prompt once, however many choices it has; so does its cached part.
    if (this.isAtNewPrompt) this.#cachedTokens += cachedTokens;
    this.#started += 1;
  }

  finished({ completionTokens, guesser }: Ended): void {
    this.#finished += 1;
    this.#completionTokens += completionTokens;
    this.#draftedTokens += guesser.drafted;
    this.#acceptedTokens += guesser.accepted;
  }

  get promptTokens(): number {
    return this.prompts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  }

  get usage(): Usage {
    return {
      promptTokens: this.promptTokens,
      completionTokens: this.#completionTokens,
      cachedTokens: this.#cachedTokens,
      ...audioTokensOf(this.prompts),
      ...(this.#draftedTokens > 0 && {
        draftedTokens: this.#draftedTokens,
        acceptedTokens: this.#acceptedTokens,
      }),
    };
  }
}

/** Nothing where nothing was heard. */
export function audioTokensOf(prompts: readonly EncodedPrompt[]): Pick<Usage, "audioTokens"> {
  const audioTokens = prompts.reduce((sum, prompt) => sum + (prompt.audioTokens ?? 0), 0);
  return audioTokens > 0 ? { audioTokens } : {};
}

/** Whether the prompt's own tokens are to be told with log probabilities, for which each has to be evaluated. */
export function scoresPrompt({ echo, topLogprobs }: GenerateRequest): boolean {
  return echo && topLogprobs !== undefined;
}
