import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { TokenLogprob } from "@localmodel/inference/generate.ts";
import { type Assembled, TextAssembler } from "./text-assembler.ts";

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom("a", "b", "é", "€", "🙂", "\uFEFF", "\uFFFD"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 20,
});
/** Where to cut, as shares of the length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
const bytes = fc.uint8Array({ maxLength: 8 });

function cutUp(whole: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const places = shares.map((share) => Math.floor(share * whole.length)).toSorted((a, b) => a - b);
  return [...places, whole.length].map((end, index) =>
    whole.subarray(index === 0 ? 0 : places[index - 1], end),
  );
}

/** A log probability that can be told from every other. */
function numbered(index: number, token: Uint8Array): TokenLogprob {
  return { token: `#${index}`, bytes: [...token], logprob: -index, top: [] };
}

function assemble(assembler: TextAssembler, tokens: readonly Uint8Array[]): Assembled[] {
  const parts: Assembled[] = [];
  for (const [index, token] of tokens.entries()) {
    parts.push(assembler.push(token, { logprob: numbered(index, token) }));
    if (parts.at(-1)?.stop !== undefined) return parts;
  }
  return [...parts, assembler.finish()];
}

const textOf = (parts: readonly Assembled[]) => parts.map((part) => part.text).join("");
const numbersOf = (parts: readonly Assembled[]) =>
  parts.flatMap((part) => part.logprobs.map(({ token }) => Number(token.slice(1))));

test("puts any text together again, wherever its bytes are cut", () => {
  fc.assert(
    fc.property(text, cuts, (whole, shares) => {
      const parts = assemble(new TextAssembler([]), cutUp(Buffer.from(whole), shares));
      assert.equal(textOf(parts), whole.toWellFormed());
      for (const part of parts) assert.ok(part.text.isWellFormed());
    }),
    { numRuns: 1000 },
  );
});

test("releases a character with the byte that completes it, not later", () => {
  const assembler = new TextAssembler([]);
  const released = [...Buffer.from("a€🙂")].map((byte) => assembler.push(Uint8Array.of(byte)).text);
  assert.deepEqual(released, ["a", "", "", "€", "", "", "", "🙂"]);
});

test("a character that a control token leaves unfinished is nothing of the text behind that", () => {
  const assembler = new TextAssembler([]);
  const parts = [
    assembler.push(Uint8Array.of(0xe2, 0x82), { piece: { token: 1 } }),
    assembler.push(new Uint8Array(), { piece: { token: 2, control: "</think>" } }),
    assembler.push(Buffer.from("No"), { piece: { token: 3 } }),
    assembler.finish(),
  ];
  assert.equal(textOf(parts), "\uFFFDNo");
  assert.deepEqual(
    parts.map(({ pieces }) => pieces.map(({ token, text: written }) => [token, written])),
    [
      [],
      [
        [1, ""],
        [2, "</think>"],
      ],
      [[3, "No"]],
      [],
    ],
  );
});

test("replaces bytes that are no text, and goes on", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 10 }), (tokens) => {
      const sure = Buffer.from("!");
      const parts = assemble(new TextAssembler([]), [...tokens, sure]);
      assert.equal(textOf(parts), Buffer.concat([...tokens, sure]).toString("utf8"));
    }),
    { numRuns: 1000 },
  );
});

test("drops a character that the last token left unfinished", () => {
  const parts = assemble(new TextAssembler([]), [Buffer.from("so "), Uint8Array.of(0xf0, 0x9f)]);
  assert.equal(textOf(parts), "so ");
  assert.deepEqual(numbersOf(parts), [0, 1]);
});

test("gives every log probability exactly once and in order, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 10 }), (tokens) => {
      const parts = assemble(new TextAssembler(["ab", "€"]), tokens);
      const numbers = numbersOf(parts);
      if (parts.at(-1)?.stop === undefined) assert.equal(numbers.length, tokens.length);
      assert.deepEqual(numbers, [...numbers.keys()]);
    }),
    { numRuns: 1000 },
  );
});

test("gives a log probability together with the last character of its token", () => {
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 10 }), (tokens) => {
      const assembler = new TextAssembler([]);
      let pushed = 0;
      let given = 0;
      for (const [index, token] of tokens.entries()) {
        const part = assembler.push(token, { logprob: numbered(index, token) });
        pushed += 1;
        given += part.logprobs.length;
        const soFar = Buffer.concat(tokens.slice(0, pushed));
        // Only bytes that may still become a character are worth waiting for.
        const complete = new TextDecoder("utf-8", { ignoreBOM: true });
        const decoded = complete.decode(soFar, { stream: true });
        const waits = decoded.length < (decoded + complete.decode()).length;
        if (!waits) assert.equal(given, pushed);
      }
    }),
    { numRuns: 1000 },
  );
});

for (const [name, invalid] of [
  ["a byte that begins nothing", [0xc0]],
  ["a byte beyond Unicode", [0xff]],
  ["an overlong form", [0xe0, 0x80]],
  ["half a surrogate pair", [0xed, 0xa0]],
  ["a character beyond Unicode", [0xf4, 0x90]],
] as const) {
  test(`does not wait for the rest of ${name}`, () => {
    const part = new TextAssembler([]).push(Uint8Array.from(invalid), {
      logprob: numbered(0, new Uint8Array()),
    });
    assert.notEqual(part.text, "");
    assert.equal(part.logprobs.length, 1);
  });
}

test("takes a byte order mark for the character it is", () => {
  const mark = Buffer.from("\uFEFF");
  const part = new TextAssembler([]).push(mark, { logprob: numbered(0, mark) });
  assert.deepEqual([part.text, part.logprobs.length], ["\uFEFF", 1]);
});

test("tells no log probability of a token that wrote nothing but a stop string", () => {
  const tokens = ["one ", "two", " S", "TO", "P"].map((token) => Buffer.from(token));
  const parts = assemble(new TextAssembler(["STOP"]), tokens);
  assert.equal(textOf(parts), "one two ");
  assert.equal(parts.at(-1)?.stop, "STOP");
  assert.deepEqual(numbersOf(parts), [0, 1, 2]);
});

test("tells the log probability of every token that wrote a character of the answer", () => {
  fc.assert(
    fc.property(
      text,
      text,
      fc.string({ minLength: 1, maxLength: 3 }),
      cuts,
      (before, after, stop, shares) => {
        const whole = (before + stop + after).toWellFormed();
        const answer = whole.slice(0, whole.indexOf(stop.toWellFormed()));
        const tokens = cutUp(Buffer.from(whole), shares);
        const parts = assemble(new TextAssembler([stop.toWellFormed()]), tokens);
        assert.equal(textOf(parts), answer);
        const given = numbersOf(parts);
        let start = 0;
        const wrote = tokens.map((token) => {
          const from = start;
          start += token.length;
          return token.length > 0 && from < Buffer.byteLength(answer);
        });
        for (const [index, visible] of wrote.entries()) {
          if (visible)
            assert.ok(given.includes(index), `token ${index} of ${JSON.stringify(answer)}`);
          else if (tokens[index]?.length !== 0) assert.ok(!given.includes(index), `token ${index}`);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("holds the log probabilities of text that may become a stop string, and gives them when it does not", () => {
  const assembler = new TextAssembler(["STOP"]);
  const push = (token: string, index: number) => {
    const { text: released, logprobs } = assembler.push(Buffer.from(token), {
      logprob: numbered(index, Buffer.from(token)),
    });
    return [released, logprobs.map((logprob) => logprob.token)];
  };
  assert.deepEqual(push("a", 0), ["a", ["#0"]]);
  assert.deepEqual(push("ST", 1), ["", []]);
  assert.deepEqual(push("", 2), ["", []]);
  assert.deepEqual(push("ART", 3), ["START", ["#1", "#2", "#3"]]);
});

test("a character that the end of an answer cuts off is left out, and its bytes are told", () => {
  const euro = Buffer.from("€");
  const assembler = new TextAssembler([]);
  const logprob = { token: "", logprob: -1, bytes: [...euro.subarray(0, 2)], top: [] };
  const told = [
    assembler.push(Buffer.from("5 ")),
    assembler.push(euro.subarray(0, 2), { logprob }),
    assembler.finish(),
  ];
  assert.equal(told.map((one) => one.text).join(""), "5 ");
  assert.deepEqual(
    told.flatMap(({ logprobs }) => logprobs),
    [logprob],
  );
});

test("pieces tell which token wrote what, and together are the text, however it is cut up", () => {
  const tokens = fc.array(fc.uint8Array({ minLength: 1, maxLength: 4 }), { maxLength: 20 });
  const stops = fc.array(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 2 });
  fc.assert(
    fc.property(tokens, stops, (generated, stop) => {
      const assembler = new TextAssembler(stop);
      let answer = "";
      let written = "";
      let seen: number[] = [];
      const take = ({ text: part, pieces }: ReturnType<TextAssembler["finish"]>) => {
        answer += part;
        written += pieces.map((piece) => piece.text).join("");
        seen = [...seen, ...pieces.map(({ token }) => token)];
      };
      for (const [token, its] of generated.entries()) {
        const part = assembler.push(its, { piece: { token } });
        take(part);
        if (part.stop !== undefined) break;
      }
      take(assembler.finish());
      assert.ok(answer.startsWith(written), "a character that is cut off in the end is nobody's");
      assert.deepEqual(
        seen,
        [...seen].toSorted((a, b) => a - b),
      );
    }),
  );
});

test("a control token is told between the texts that it stands between, and writes nothing", () => {
  const assembler = new TextAssembler(["STOP"]);
  const push = (written: string, token: number) =>
    assembler.push(Buffer.from(written), { piece: { token } });
  // Its last character may be the beginning of a stop string: the piece waits for it.
  assert.deepEqual(push("think S", 1).pieces, []);
  const marker = { piece: { token: 2, control: "</think>" } };
  assert.deepEqual(assembler.push(new Uint8Array(), marker).pieces, []);
  const { pieces } = push("o", 3);
  assert.deepEqual(pieces, [
    { token: 1, text: "think S", isControl: false },
    { token: 2, text: "</think>", isControl: true },
    { token: 3, text: "o", isControl: false },
  ]);
});
