/**
 * How many tokens an answer cost, read from what passes by and never from its text.
 *
 * A model server says it exactly: in a header of an answer that comes whole, in a trailer of a stream. A
 * stream that ends before its trailer (a client that hangs up, a server that breaks) is estimated: the
 * prompt's tokens from the header that opens every stream, and one token for each event that was sent.
 */
import {
  PROMPT_TOKENS_HEADER,
  readUsage,
  USAGE_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

export class Meter {
  #exact: number | undefined;
  #estimate = 0;

  get tokens(): number {
    return this.#exact ?? this.#estimate;
  }

  /** Headers or trailers of an answer; of several answers to one request the last one counts. */
  read(headers: Headers): void {
    const usage = readUsage(headers[USAGE_HEADER]);
    if (usage !== undefined) this.#exact = usage.promptTokens + usage.completionTokens;
    const prompt = Number(headers[PROMPT_TOKENS_HEADER]);
    if (Number.isSafeInteger(prompt) && prompt > 0) this.#estimate = prompt;
  }

  count(bytes: Buffer): void {
    for (let at = bytes.indexOf(DATA); at !== -1; at = bytes.indexOf(DATA, at + DATA.length)) {
      this.#estimate += 1;
    }
  }
}

const DATA = Buffer.from("data: {");
