/**
 * A small model that writes ahead, for the large one to check: likely continuations of what slots have said.
 *
 * It has a sequence of its own for each slot, and remembers what it has read there. Whatever the slot's text has become
 * since, wrong guesses among it, only what differs is read again.
 */
import { isRow } from "../prompt/picture-rows.ts";
import { commonPrefix } from "./slot-choice.ts";
import type { Run, StepContext } from "./step-context.ts";

type DraftQuestion = {
  readonly sequence: number;
  readonly owner: string;
  /** Of prompt and answer. */
  readonly tokens: readonly number[];
  /** Tokens that are wanted, at most. */
  readonly most: number;
};

type Sequence = { owner: string; readonly held: number[] };

type Drafted = {
  /** In the order of the questions. */
  readonly proposals: readonly (readonly number[])[];
  /** Of the longest that was asked for. */
  readonly tokens: number;
  /** What that took, but for reading what the draft model had not read yet. */
  readonly writingMs: number;
};

/** More than the last step can have settled: a prompt, which is read once. */
const READ_TOKENS = 64;

/** A question while it is being answered. */
type Answer = {
  readonly question: DraftQuestion;
  readonly held: number[];
  /** To be read until the next token is known. */
  pending: readonly number[];
  readonly proposed: number[];
};

type DraftContext = Pick<StepContext, "batchTokens" | "evaluate" | "keep" | "logits" | "sequences">;

export class Drafter {
  readonly #context: DraftContext;
  readonly #vocabularySize: number;
  readonly #sequences: readonly Sequence[];

  /** Tokens beyond the large model's vocabulary are none of its. */
  constructor(context: DraftContext, vocabularySize: number) {
    this.#context = context;
    this.#vocabularySize = vocabularySize;
    this.#sequences = Array.from({ length: context.sequences }, () => ({ owner: "", held: [] }));
  }

  /** Questions are in the order of their sequences. Nothing is proposed where it was abandoned. */
  async propose(questions: readonly DraftQuestion[], abandoned?: AbortSignal): Promise<Drafted> {
    const answers = questions.map((question) => this.#begin(question));
    const most = Math.max(0, ...questions.map((question) => question.most));
    let writingMs = 0;
    for (;;) {
      const open = answers.filter(({ pending }) => pending.length > 0);
      if (open.length === 0) {
        return { proposals: answers.map(({ proposed }) => proposed), tokens: most, writingMs };
      }
      const reads = open.some(({ pending }) => pending.length > READ_TOKENS);
      const before = performance.now();
      const isEvaluated = await this.#step(open, abandoned);
      if (!isEvaluated) return { proposals: answers.map(() => []), tokens: most, writingMs };
      if (!reads) writingMs += performance.now() - before;
    }
  }

  #begin(question: DraftQuestion): Answer {
    const { sequence: number, owner, tokens, most } = question;
    const sequence = this.#sequences[number];
    // What a picture is made of the small model cannot read.
    if (sequence === undefined || most < 1 || tokens.some(isRow)) {
      return { question, held: [], pending: [], proposed: [] };
    }
    const { held } = sequence;
    const isOwn = sequence.owner === owner;
    const known = isOwn ? Math.min(commonPrefix(held, tokens), tokens.length - 1) : 0;
    sequence.owner = owner;
    if (known < held.length || known === 0) this.#cut(number, held, known);
    return { question, held, pending: tokens.slice(held.length), proposed: [] };
  }

  #cut(sequence: number, held: number[], length: number): void {
    held.length = this.#context.keep(sequence, length) === length ? length : 0;
  }

  /** One batch of whatever is to be read. */
  async #step(open: readonly Answer[], abandoned?: AbortSignal): Promise<boolean> {
    let room = this.#context.batchTokens;
    const parts = open.map((answer, index) => {
      const share = Math.max(1, Math.floor(room / (open.length - index)));
      const tokens = answer.pending.slice(0, share);
      room -= tokens.length;
      const isLast = tokens.length === answer.pending.length;
      const run: Run = {
        sequence: answer.question.sequence,
        position: answer.held.length,
        tokens,
        outputs: isLast ? "last" : "none",
      };
      return { answer, run, isLast };
    });
    const runs = parts.map(({ run }) => run);
    const indexes = await this.#context.evaluate(runs, abandoned);
    if (indexes === undefined) {
      for (const { held, question } of open) this.#cut(question.sequence, held, 0);
      return false;
    }
    for (const [at, { answer, run, isLast }] of parts.entries()) {
      for (const token of run.tokens) answer.held.push(token);
      answer.pending = answer.pending.slice(run.tokens.length);
      if (isLast) this.#goOn(answer, (indexes[at] ?? 0) + run.tokens.length - 1);
    }
    return true;
  }

  #goOn(answer: Answer, index: number): void {
    const token = likeliest(this.#context.logits(index));
    if (token >= this.#vocabularySize) return;
    answer.proposed.push(token);
    if (answer.proposed.length < answer.question.most) answer.pending = [token];
  }
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token += 1) {
    if ((logits[token] ?? 0) > (logits[best] ?? 0)) best = token;
  }
  return best;
}
