/**
 * Turns the bytes of generated tokens into text that is safe to send.
 *
 * A token may end in the middle of a character and a character may start a stop string; both are held
 * back until the next token decides. Log probabilities travel with the text they belong to: a token is
 * released with the last character it helped to write, or the last before a stop string.
 */
import type { TokenLogprob } from "@localmodel/inference/generate.ts";
import { StopScanner } from "./stop-scanner.ts";

export type Assembled = {
  readonly text: string;
  readonly logprobs: readonly TokenLogprob[];
  /** A stop string is complete: nothing more is to be generated. */
  readonly stopped: boolean;
};

export class TextAssembler {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #scanner: StopScanner;
  /** Tokens not released, and the part of the decoded text that each wrote. */
  readonly #pending: { start: number; end: number; logprob: TokenLogprob }[] = [];
  #decodedLength = 0;
  #releasedLength = 0;

  constructor(stops: readonly string[]) {
    this.#scanner = new StopScanner(stops);
  }

  /** Text that came before: a character it leaves unfinished goes on with the first token. */
  precede(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  push(bytes: Uint8Array, logprob?: TokenLogprob): Assembled {
    const piece = this.#decoder.decode(bytes, { stream: true });
    const start = this.#decodedLength;
    this.#decodedLength += piece.length;
    // A token that ends inside a character ends with the character, one further than what is decoded.
    const end = this.#decodedLength + (endsInsideCharacter(bytes, piece) ? 1 : 0);
    if (logprob) this.#pending.push({ start, end, logprob });
    const { released, stop } = this.#scanner.push(piece);
    return this.#release(released, stop !== undefined);
  }

  /** The rest, when generation ends without a stop string. An unfinished character is dropped. */
  finish(): Assembled {
    const assembled = this.#release(this.#scanner.finish(), false);
    const logprobs = [...assembled.logprobs, ...this.#pending.map(({ logprob }) => logprob)];
    this.#pending.length = 0;
    return { ...assembled, logprobs };
  }

  #release(text: string, stopped: boolean): Assembled {
    this.#releasedLength += text.length;
    const logprobs: TokenLogprob[] = [];
    for (const { start, end, logprob } of this.#pending) {
      const written = end <= this.#releasedLength;
      // What follows of this token is the stop string.
      const cutShort = stopped && start < this.#releasedLength;
      if (!written && !cutShort) break;
      logprobs.push(logprob);
    }
    this.#pending.splice(0, logprobs.length);
    return { text, logprobs, stopped };
  }
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
