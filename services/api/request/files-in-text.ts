/**
 * Where the bytes of files stand in a piece of a body: behind `;base64,`, as OpenAI's clients send images, or as a string of
 * base64 and nothing else, as those of Anthropic and Ollama do.
 *
 * Nothing is parsed: a string without a mark is known by so many characters of base64 in a row as no text
 * has, wherever one looks. What is short costs little if it is taken for text.
 */

const FILE_MARK = Buffer.from(";base64,");
const QUOTE = 0x22;
/** From one look to the next, and how far each goes. */
const STRIDE = 256;
/** Every so many characters: nobody else's body should make the service read all of its bytes one by one. */
const STEP = 4;

const IS_BASE64 = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  IS_BASE64[character.charCodeAt(0)] = 1;

/** In their order; a file ends where its string does. */
export function* filesIn(text: Buffer): Generator<{ readonly from: number; readonly to: number }> {
  let mark = text.indexOf(FILE_MARK);
  for (let at = 0; at < text.length;) {
    const isMarked = mark !== -1 && mark < at + STRIDE;
    if (!isMarked && !isFile(text, at)) {
      at += STRIDE;
      continue;
    }
    const from = isMarked ? mark : beginningOf(text, at);
    const quote = text.indexOf(QUOTE, Math.max(from, at));
    const to = quote === -1 ? text.length : quote;
    yield { from, to };
    at = to + 1;
    if (mark !== -1 && mark < at) mark = text.indexOf(FILE_MARK, at);
  }
}

function isFile(text: Buffer, at: number): boolean {
  const end = at + STRIDE;
  if (end > text.length) return false;
  for (let index = at; index < end; index += STEP)
    if (IS_BASE64[text[index] as number] === 0) return false;
  return true;
}

function beginningOf(text: Buffer, at: number): number {
  let from = at;
  while (from > 0 && IS_BASE64[text[from - 1] as number] === 1) from -= 1;
  return from;
}
