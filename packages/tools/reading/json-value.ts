/** A JSON value passed on as it comes: where it ends is found by its brackets and quotes, nothing is built of it. */
import { type Input, type Reading, skipSpace } from "./input.ts";

/** Gives the characters of the value to `pass`. False when none begins here, or the text ended inside. */
export function* passJson(input: Input, pass: (text: string) => void): Reading<boolean> {
  yield* skipSpace(input);
  const first = yield* input.peek();
  if (first === '"') return yield* passString(input, pass);
  if (first !== "{" && first !== "[") return yield* passScalar(input, pass);
  return yield* passContainer(input, pass);
}

function* passContainer(input: Input, pass: (text: string) => void): Reading<boolean> {
  let depth = 0;
  for (;;) {
    const char = yield* input.peek();
    if (char === "") return false;
    if (char === '"') {
      if (!(yield* passString(input, pass))) return false;
      continue;
    }
    pass(input.take(1));
    if ("{[".includes(char)) depth += 1;
    if ("}]".includes(char)) depth -= 1;
    if (depth === 0) return true;
  }
}

function* passString(input: Input, pass: (text: string) => void): Reading<boolean> {
  pass(input.take(1));
  for (;;) {
    const char = yield* input.peek();
    if (char === "") return false;
    pass(input.take(1));
    if (char === '"') return true;
    if (char !== "\\") continue;
    if ((yield* input.peek()) === "") return false;
    pass(input.take(1));
  }
}

function* passScalar(input: Input, pass: (text: string) => void): Reading<boolean> {
  let length = 0;
  for (;;) {
    const char = yield* input.peek();
    if (!/[-+.0-9A-Za-z]/.test(char)) return length > 0;
    pass(input.take(1));
    length += 1;
  }
}
