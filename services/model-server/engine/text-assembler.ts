/**
 * Turns the bytes of generated tokens into text that is safe to send.
 *
 * A token may end in the middle of a character and a character may start a stop string; both are held
 * back until the next token decides. Log probabilities travel with the text they belong to: a token is
 * released with the last character it helped to write.
 */
import type { TokenLogprob } from "../engine.ts";
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
  readonly #pending: { readonly end: number; readonly logprob: TokenLogprob }[] = [];
  #decodedLength = 0;
  #releasedLength = 0;

  constructor(stops: readonly string[]) {
    this.#scanner = new StopScanner(stops);
  }

  push(bytes: Uint8Array, logprob?: TokenLogprob): Assembled {
    const piece = this.#decoder.decode(bytes, { stream: true });
    this.#decodedLength += piece.length;
    // A token that ends inside a character ends with the character, one further than what is decoded.
    const open = endsInsideCharacter(bytes, piece);
    if (logprob) this.#pending.push({ end: this.#decodedLength + (open ? 1 : 0), logprob });
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
    while (this.#pending[0] !== undefined && this.#pending[0].end <= this.#releasedLength) {
      logprobs.push(this.#pending[0].logprob);
      this.#pending.shift();
    }
    return { text, logprobs, stopped };
  }
}

/** Whether the last character of `bytes` is incomplete: what was decoded then lacks its bytes. */
function endsInsideCharacter(bytes: Uint8Array, piece: string): boolean {
  const last = bytes.at(-1);
  if (last === undefined || last < 0x80) return false;
  if (piece === "") return true;
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
  }
  return false;
}
