/**
 * Splits bytes into lines, however they were cut on the way.
 *
 * Works on bytes because a chunk may end in the middle of a character. A rest without an end of line
 * means that the sender was cut off, and is an error: half an object is no object.
 */

/** Ten times what the API server stores as one object. */
const LINE_MAX_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

export class BrokenLineError extends Error {
  override readonly name = "BrokenLineError";
}

export async function* linesOf(
  body: AsyncIterable<Uint8Array>,
  maxBytes = LINE_MAX_BYTES,
): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]);
      rest = [];
      restBytes = 0;
      from = end + 1;
      if (line.length > maxBytes) throw tooLong(maxBytes);
      yield line.toString("utf8");
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > maxBytes) throw tooLong(maxBytes);
  }
  if (restBytes > 0) throw new BrokenLineError(`cut off in the middle of a line of JSON`);
}

function tooLong(maxBytes: number): BrokenLineError {
  return new BrokenLineError(`a line of JSON is longer than ${maxBytes} B`);
}
