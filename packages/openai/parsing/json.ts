/**
 * Request bytes in, a JSON value that is safe to look at out.
 *
 * The checks here are the ones no schema can make: that the bytes are text at all, and that there is no
 * more structure than a request can need, before anything is built from it.
 */
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import { JsonShape } from "./json-shape.ts";

/** Some microseconds each thousand: what may be done of it before others have their turn. */
const STEPS_AT_ONCE = 100_000;

/** Whoever has other work to do lets it happen in `turn`, which is asked for between the steps of a large text. */
export async function parseJson(bytes: Uint8Array, turn: () => Promise<void>): Promise<unknown> {
  const shape = new JsonShape(bytes);
  while (!shape.advance(STEPS_AT_ONCE)) await turn();
  if (shape.excess !== undefined) throw tooComplex(shape, shape.excess);
  return parse(decode(bytes));
}

/** Of a text that is known to be short. */
export function parseShortJson(bytes: Uint8Array): unknown {
  const shape = new JsonShape(bytes);
  shape.advance(Infinity);
  if (shape.excess !== undefined) throw tooComplex(shape, shape.excess);
  return parse(decode(bytes));
}

export function tooComplex({ field }: JsonShape, excess: string): Failure {
  const where = field === undefined ? "" : ` in '${field}'`;
  const message = `The JSON body of the request is too complex: ${excess}${where}.`;
  return invalidRequest(field ?? null, message);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidRequest(null, "The body of the request is not valid UTF-8.");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = text.trim() === "" ? "it is empty" : (error as SyntaxError).message;
    throw invalidRequest(null, `The body of the request is not valid JSON: ${reason}.`);
  }
}
