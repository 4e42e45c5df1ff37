/**
 * How many tokens an answer cost, read from what passes by and never from its text.
 *
 * A model server says it exactly: in a header of an answer that comes whole, in a trailer of a stream. A
 * stream that ends before its trailer (a client that hangs up, a server that breaks) is estimated: the
 * prompt's tokens from the header that opens every stream, and one token for each event that was sent.
 *
 * It is believed as far as it can be true: a model server that says whatever it likes could lock keys out.
 */
import {
  PROMPT_TOKENS_HEADER,
  readUsage,
  type TokenUsage,
  USAGE_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Templates say something that is not in the body, and some tokenizers spell a character out. */
const TEMPLATE_MAX_TOKENS = 65_536;
const TOKENS_PER_BYTE_MAX = 16;
/** Of all answers to one request. */
const ANSWER_MAX_TOKENS = 10_000_000;

export class Meter {
  readonly #bodyBytes: () => number;
  #exact: number | undefined;
  #estimate = 0;

  /** `bodyBytes` are those of the request, once it has been read. */
  constructor(bodyBytes: () => number) {
    this.#bodyBytes = bodyBytes;
  }

  get tokens(): number {
    return this.#exact ?? this.#estimate;
  }

  /** Headers or trailers of an answer; of several answers to one request the last one counts. */
  read(headers: Headers): void {
    const usage = readUsage(headers[USAGE_HEADER]);
    if (usage !== undefined && this.#isPlausible(usage)) {
      this.#exact = usage.promptTokens + usage.completionTokens;
    }
    const promptTokens = Number(headers[PROMPT_TOKENS_HEADER]);
    if (Number.isSafeInteger(promptTokens) && promptTokens > 0) {
      if (this.#isPlausible({ promptTokens, completionTokens: 0 })) this.#estimate = promptTokens;
    }
  }

  #isPlausible({ promptTokens, completionTokens }: TokenUsage): boolean {
    const promptMax = TEMPLATE_MAX_TOKENS + TOKENS_PER_BYTE_MAX * this.#bodyBytes();
    return promptTokens <= promptMax && completionTokens <= ANSWER_MAX_TOKENS;
  }

  count(bytes: Buffer, framing?: "lines"): void {
    const mark = framing === "lines" ? LINE : DATA;
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) {
      this.#estimate += 1;
    }
  }
}

const DATA = Buffer.from("data: {");
const LINE = Buffer.from("}\n");
