/**
 * Request bytes in, a JSON value that is safe to look at out.
 *
 * The checks here are the ones no schema can make: that the bytes are text at all, and that there is no
 * more structure than a request can need, before anything is built from it.
 */
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { excessOf } from "./json-shape.ts";

export function parseJson(bytes: Uint8Array): unknown {
  const excess = excessOf(bytes);
  if (excess !== undefined) {
    throw invalidRequest(null, `The JSON body of the request is too complex: ${excess}.`);
  }
  return parse(decode(bytes));
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
