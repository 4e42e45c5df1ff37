/**
 * From the bytes of a body to its outline, or to the 400 that says what is wrong with them.
 *
 * The work is bounded by the shape that a body may have, and goes in slices: a large body takes longer, and holds up
 * no stream.
 */
import { isUtf8 } from "node:buffer";
import type { Failure } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { JsonShape } from "@localmodel/openai/parsing/json-shape.ts";
import { parseShortJson, tooComplex } from "@localmodel/openai/parsing/json.ts";
import { Outline } from "./outline.ts";

/** Nearly all bodies are done with these, and wait for nobody. */
const STEPS_AT_FIRST = 20_000;
/** Less than a millisecond. */
const STEPS_IN_A_TURN = 100_000;
/** Of a body that is looked at again, all at once, to say what is wrong with it. */
const EXPLAINED_MAX_BYTES = 64 * 1024;

/** `turn` lets others work in between. Throws a 400 for what is not a JSON object. */
export async function readOutline(
  body: Buffer,
  wanted: Iterable<string>,
  turn: () => Promise<void>,
): Promise<Outline> {
  if (!isUtf8(body)) throw invalidRequest(null, "The body of the request is not valid UTF-8.");
  const outline = new Outline(body, wanted);
  const shape = new JsonShape(body, outline);
  let isDone = shape.advance(STEPS_AT_FIRST);
  while (!isDone) {
    await turn();
    isDone = shape.advance(STEPS_IN_A_TURN);
  }
  if (shape.excess !== undefined) throw tooComplex(shape, shape.excess);
  if (outline.wrongAt !== undefined) throw malformed(body, outline);
  return outline;
}

function malformed(body: Buffer, { isObject, wrongAt }: Outline): Failure {
  // The parser says it best, but in one go.
  if (body.length <= EXPLAINED_MAX_BYTES) parseShortJson(body);
  if (isObject) {
    const message = `The body of the request is not valid JSON: it goes wrong at byte ${wrongAt}.`;
    return invalidRequest(null, message);
  }
  return invalidRequest(null, "The body of the request must be a JSON object.", "invalid_type");
}
