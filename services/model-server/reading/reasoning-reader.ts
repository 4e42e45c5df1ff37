/**
 * Tells what a model thinks from what it answers: every delta is one or the other, and the usage says how many tokens
 * were thought.
 */
import type { GenerateEvent, TokenLogprob, TokenPiece } from "@localmodel/inference/generate.ts";
import { marksOf, ReasoningText, type Told } from "@localmodel/inference/reasoning-text.ts";
import type { ReasoningFacts } from "@localmodel/localmodel/contracts/template-facts.ts";

type EventReader = (event: GenerateEvent) => readonly GenerateEvent[];

type DeltaEvent = Extract<GenerateEvent, { type: "delta" }>;

export function reasoningReader(facts: ReasoningFacts, startsInside: boolean): EventReader {
  const choices = new Map<number, ReadChoice>();
  const choiceOf = (choice: number): ReadChoice => {
    const read = choices.get(choice) ?? new ReadChoice(choice, facts, startsInside);
    choices.set(choice, read);
    return read;
  };
  return (event) => {
    if (event.type === "delta") return choiceOf(event.choice).delta(event);
    if (event.type === "finish") return [...choiceOf(event.choice).finish(), event];
    if (event.type !== "done") return [event];
    const reasoningTokens = [...choices.values()].reduce((sum, one) => sum + one.tokens, 0);
    return [{ ...event, usage: { ...event.usage, reasoningTokens } }];
  };
}

/** A token's text, or what is left of it, and what comes with it. */
type Cell = {
  readonly text: string;
  readonly isShown: boolean;
  readonly piece?: TokenPiece;
  readonly logprob?: TokenLogprob;
};

class ReadChoice {
  /** Of reasoning, its tags included. */
  tokens = 0;
  readonly #choice: number;
  readonly #text: ReasoningText;
  readonly #marks: readonly string[];
  #cells: Cell[] = [];

  constructor(choice: number, facts: ReasoningFacts, startsInside: boolean) {
    this.#choice = choice;
    this.#text = new ReasoningText(facts, startsInside);
    this.#marks = marksOf(facts);
  }

  delta(event: DeltaEvent): readonly GenerateEvent[] {
    const wasReasoning = this.#text.isReasoning;
    const cells = this.#cellsOf(event);
    this.#cells.push(...cells);
    const told = this.#text.push(cells.map(({ text }) => text).join(""));
    const thought = wasReasoning || this.#text.isReasoning || told.some(isReasoning);
    if (thought && event.completionTokens !== undefined) this.tokens = event.completionTokens;
    const { completionTokens } = event;
    const counts = completionTokens === undefined ? {} : { completionTokens };
    const deltas = this.#deltas(told, counts);
    // Those that time and count tokens see that there was one.
    if (deltas.length > 0) return deltas;
    return [{ ...this.#empty(this.#text.isReasoning), ...counts }];
  }

  finish(): readonly GenerateEvent[] {
    return this.#deltas(this.#text.finish(), {});
  }

  #empty(reasons: boolean): DeltaEvent {
    const kind = reasons ? ({ isReasoning: true } as const) : {};
    return { type: "delta", choice: this.#choice, text: "", ...kind };
  }

  #deltas(told: readonly Told[], counts: Pick<DeltaEvent, "completionTokens">): DeltaEvent[] {
    const deltas: DeltaEvent[] = [];
    for (const { kind, length } of told) {
      const cells = this.#take(length);
      if (kind === "neither") continue;
      const pieces = cells.flatMap(({ piece }) => piece ?? []);
      const logprobs = cells.flatMap(({ logprob }) => logprob ?? []);
      deltas.push({
        ...this.#empty(kind === "reasoning"),
        text: cells.map(({ text, isShown }) => (isShown ? text : "")).join(""),
        ...counts,
        ...(pieces.length > 0 && { pieces }),
        ...(logprobs.length > 0 && { logprobs }),
      });
    }
    return deltas;
  }

  /** The cells of so many characters, and those without any before them. */
  #take(length: number): Cell[] {
    const taken: Cell[] = [];
    let missing = length;
    while (missing > 0) {
      const cell = this.#cells.shift();
      if (cell === undefined) break;
      if (cell.text.length > missing) this.#cells.unshift(rest(cell, missing));
      taken.push(beginning(cell, missing));
      missing -= Math.min(missing, cell.text.length);
    }
    return taken;
  }

  /** What a control token is called counts where it is a mark. */
  #cellsOf({ text, pieces, logprobs = [] }: DeltaEvent): Cell[] {
    if (pieces === undefined) return textCells(text, logprobs);
    const isParallel = logprobs.length === pieces.length;
    return pieces.map((piece, at): Cell => {
      const logprob = isParallel ? logprobs[at] : undefined;
      const counts = !piece.isControl || this.#marks.some((mark) => mark.includes(piece.text));
      return {
        text: counts ? piece.text : "",
        isShown: !piece.isControl,
        piece,
        ...(logprob !== undefined && { logprob }),
      };
    });
  }
}

function isReasoning({ kind }: Told): boolean {
  return kind === "reasoning";
}

function textCells(text: string, logprobs: readonly TokenLogprob[]): Cell[] {
  if (logprobs.map(({ token }) => token).join("") !== text) return [{ text, isShown: true }];
  return logprobs.map((logprob) => ({ text: logprob.token, isShown: true, logprob }));
}

/** A token that is cut is told with its beginning. */
function beginning(cell: Cell, length: number): Cell {
  return { ...cell, ...part(cell, cell.text.slice(0, length)) };
}

function rest(cell: Cell, length: number): Cell {
  return { isShown: cell.isShown, ...part(cell, cell.text.slice(length)) };
}

function part({ piece }: Cell, text: string): Pick<Cell, "text" | "piece"> {
  if (piece === undefined) return { text };
  return { text, piece: piece.isControl ? piece : { ...piece, text } };
}
