/**
 * Turns the bytes of generated tokens into text that is safe to send.
 *
 * A token may end in the middle of a character and a character may start a stop string; both are held
 * back until the next token decides. What is to be told of a token travels with the text it belongs to: it is
 * released with the last character it helped to write, or the last before a stop string.
 */
import type { TokenLogprob, TokenPiece } from "@localmodel/inference/generate.ts";
import { AnswerScanner, type Thinking } from "./answer-scanner.ts";

/** What is to be told of a token besides its text. */
type TokenNotes = {
  readonly logprob?: TokenLogprob;
  /** `control`: what a control token is called, which writes nothing. */
  readonly piece?: { readonly token: number; readonly control?: string };
};

export type Assembled = {
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
  readonly pieces: readonly TokenPiece[];
  /** The stop string that is complete: nothing more is to be generated. */
  readonly stop?: string;
};

type Pending = {
  readonly start: number;
  readonly end: number;
  /** What the token completed of the text; it begins at `start`. */
  readonly written: string;
  readonly notes: TokenNotes;
};

export class TextAssembler {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #scanner: AnswerScanner;
  /** Tokens not released, and the part of the decoded text that each wrote. */
  readonly #pending: Pending[] = [];
  #decodedLength = 0;
  #releasedLength = 0;

  constructor(stops: readonly string[], thinking?: Thinking) {
    this.#scanner = new AnswerScanner(stops, thinking);
  }

  /** Text that came before: a character it leaves unfinished goes on with the first token. */
  precede(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** From the next token on; what was held back for a stop string is text. */
  ignoreStops(): void {
    this.#scanner.ignoreAll();
  }

  push(bytes: Uint8Array, notes?: TokenNotes): Assembled {
    // What a control token leaves unfinished stays so, and is no part of what comes behind it.
    const control = notes?.piece?.control;
    const written = this.#decoder.decode(bytes, { stream: control === undefined });
    const start = this.#decodedLength;
    this.#decodedLength += written.length;
    // A token that ends inside a character ends with the character, one further than what is decoded.
    const end = this.#decodedLength + (endsInsideCharacter(bytes, written) ? 1 : 0);
    if (notes) this.#pending.push({ start, end, written, notes });
    const { released, stop } = this.#scanner.push(written, control);
    return this.#release(released, stop);
  }

  /** The rest, when generation ends without a stop string. An unfinished character is dropped. */
  finish(): Assembled {
    const assembled = this.#release(this.#scanner.finish());
    const rest = this.#pending.splice(0);
    return {
      ...assembled,
      logprobs: [...assembled.logprobs, ...logprobsOf(rest)],
      pieces: [...assembled.pieces, ...this.#piecesOf(rest)],
    };
  }

  #release(text: string, stop?: string): Assembled {
    this.#releasedLength += text.length;
    let count = 0;
    for (const { start, end } of this.#pending) {
      const whole = end <= this.#releasedLength;
      // What follows of this token is the stop string.
      const cutShort = stop !== undefined && start < this.#releasedLength;
      if (!whole && !cutShort) break;
      count += 1;
    }
    const released = this.#pending.splice(0, count);
    return {
      text,
      logprobs: logprobsOf(released),
      pieces: this.#piecesOf(released),
      ...(stop !== undefined && { stop }),
    };
  }

  #piecesOf(tokens: readonly Pending[]): TokenPiece[] {
    return tokens.flatMap(({ start, written, notes: { piece } }): TokenPiece[] => {
      if (piece === undefined) return [];
      const { token, control } = piece;
      if (control !== undefined) return [{ token, text: control, isControl: true }];
      const text = written.slice(0, Math.max(0, this.#releasedLength - start));
      return [{ token, text, isControl: false }];
    });
  }
}

function logprobsOf(tokens: readonly Pending[]): TokenLogprob[] {
  return tokens.flatMap(({ notes: { logprob } }) => (logprob === undefined ? [] : [logprob]));
}

/** Whether the end of `bytes`, which decoded to `piece`, may still become a character. */
function endsInsideCharacter(bytes: Uint8Array, piece: string): boolean {
  if (piece === "") return bytes.length > 0;
  // Only the decoder knows which first bytes of a character are hopeless already.
  const lead = bytes.findLastIndex((byte) => byte >= 0xc0);
  if (lead === -1 || lead < bytes.length - 3) return false;
  const tail = new TextDecoder("utf-8", { ignoreBOM: true });
  return tail.decode(bytes.subarray(lead), { stream: true }) === "";
}
