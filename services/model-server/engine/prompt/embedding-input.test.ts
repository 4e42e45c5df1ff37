import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeInput, type InputLimits } from "./embedding-input.ts";
import type { TextTokenizer } from "./text-tokens.ts";

const [FIRST, LAST] = [1001, 1002];

/** A token for each character but white space, as WordPiece models have it. */
const TOKENIZER: TextTokenizer = {
  tokenize: (text) => codes(text.replaceAll(/\s/gu, "")),
  cutsAtSpaces: false,
  longestTokenBytes: 4,
};

const LIMITS: InputLimits = {
  contextTokens: 10,
  evaluatedTokens: (tokens) =>
    tokens.length + (tokens[0] === FIRST ? 0 : 1) + (tokens.at(-1) === LAST ? 0 : 1),
  field: "{prompt}[3]",
};

function codes(text: string): number[] {
  return Array.from(text, (one) => one.codePointAt(0) ?? 0);
}

test("white space is embedded by the model's own beginning and end", async () => {
  for (const blank of [" ", "\n", "\u3000", " \t\r\n "]) {
    assert.deepEqual(await encodeInput(blank, TOKENIZER, LIMITS), []);
  }
});

test("where the model adds nothing, a text without tokens is refused by its own name", async () => {
  const none = { ...LIMITS, evaluatedTokens: ({ length }: readonly number[]) => length };
  await assert.rejects(encodeInput(" ", TOKENIZER, none), {
    status: 400,
    field: "{prompt}[3]",
    message: /^Invalid 'prompt\[3\]': it holds no tokens/u,
  });
});

test("a text that is too long is refused by its own name, with its length", async () => {
  for (const input of ["abcdefghi", codes("abcdefghi")]) {
    await assert.rejects(encodeInput(input, TOKENIZER, LIMITS), {
      code: "context_length_exceeded",
      field: "{prompt}[3]",
      message: /your prompt\[3\] resulted in 11 tokens/u,
    });
  }
  assert.equal((await encodeInput("abcdefgh", TOKENIZER, LIMITS)).length, 8);
});

function cut(
  truncation: InputLimits["truncation"],
  input: string | number[] = "abcdefghijkl",
): Promise<readonly number[]> {
  return encodeInput(input, TOKENIZER, { ...LIMITS, truncation });
}

test("what is cut keeps the other end, and leaves room for what the model adds", async () => {
  assert.deepEqual(await cut({ cuts: "end" }), codes("abcdefgh"));
  assert.deepEqual(await cut({ cuts: "start" }), codes("efghijkl"));
  assert.deepEqual(await cut({ cuts: "end", mostTokens: 5 }), codes("abc"));
  assert.deepEqual(await cut({ cuts: "start", mostTokens: 500 }), codes("efghijkl"));
  assert.deepEqual(await cut({ cuts: "end", mostTokens: 1 }), []);
  assert.deepEqual(await cut({ cuts: "start" }, codes("abcdefghijkl")), codes("efghijkl"));
  assert.deepEqual(await cut({ cuts: "end" }, "abc"), codes("abc"));
});

test("whatever is cut fits, and is a part of the whole", async () => {
  const sides = fc.constantFrom("start" as const, "end" as const);
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 200 }), sides, fc.nat(20), async (text, cuts, most) => {
      const truncation = { cuts, mostTokens: most + 1 };
      const tokens = await encodeInput(text, TOKENIZER, { ...LIMITS, truncation });
      const whole = TOKENIZER.tokenize(text.toWellFormed(), false).join();
      assert.ok(tokens.length + 2 <= Math.max(2, Math.min(10, most + 1)));
      assert.ok(cuts === "end" ? whole.startsWith(tokens.join()) : whole.endsWith(tokens.join()));
    }),
  );
});

test("of a text that is cut only what could be left is tokenised", async () => {
  let tokenized = 0;
  const tokenizer: TextTokenizer = {
    ...TOKENIZER,
    tokenize: (text) => ((tokenized += text.length), codes(text)),
  };
  const truncation = { cuts: "end" } as const;
  await encodeInput("x".repeat(1_000_000), tokenizer, { ...LIMITS, truncation });
  assert.ok(tokenized <= 40, `${tokenized} characters tokenised`);
});
