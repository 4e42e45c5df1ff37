/**
 * The end of a stream that did not come to its own: an error event and no [DONE].
 *
 * Also of one that was opened to keep its client waiting and then refused: what would have been a 4xx or 5xx
 * of the model server becomes that event.
 */
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { dialectOf, failureContextOf } from "@localmodel/service/http/exchange.ts";
import type { Response } from "express";
import { clientFailureOf } from "../upstream/upstream-failure.ts";

/** `sentFrames` of it have been passed on. */
export function endInStream(res: Response, thrown: unknown, sentFrames = 0): void {
  const dialect = dialectOf(res);
  const { body } = dialect.failure(clientFailureOf(thrown), failureContextOf(res));
  res.end(dialect.stream.failed(body, sentFrames));
}

/** Errors are short; what is longer is no error. */
const ERROR_MAX_BYTES = 65_536;

export class RefusedStream {
  readonly #res: Response;
  readonly begun = true;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(res: Response) {
    this.#res = res;
  }

  data(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes <= ERROR_MAX_BYTES) this.#chunks.push(chunk);
    return true;
  }

  end(): void {
    const body = parse(Buffer.concat(this.#chunks));
    if (isErrorBody(body)) this.#res.end(dialectOf(this.#res).stream.failed(body, 0));
    else
      endInStream(this.#res, engineFailed("The server of this model did not answer in a stream."));
  }

  fail(thrown: unknown): void {
    endInStream(this.#res, thrown);
  }
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString());
  } catch {
    return undefined;
  }
}

/** Of any dialect. */
function isErrorBody(body: unknown): body is { readonly error: object | string } {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  return typeof error === "string" || (typeof error === "object" && error !== null);
}
