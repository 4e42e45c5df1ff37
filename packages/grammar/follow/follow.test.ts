import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileSchema, schemaGrammar } from "../compile-schema.ts";
import { judgeOfGbnf, randomFrom } from "../fixtures/judge.ts";
import { randomSchema } from "../fixtures/random-schema.ts";
import { sampler } from "../fixtures/sample.ts";
import { readGbnf } from "../gbnf/read.ts";
import { programOf, startState, stateAfter } from "../gbnf/recognize.ts";
import { GrammarError } from "../grammar-error.ts";
import type { Grammar } from "../rules/grammar.ts";
import { ByteAutomaton, type ByteState } from "./byte-automaton.ts";
import { packed, unpacked } from "./packed-program.ts";
import { someTokenGoesOn, tokensThatFollow, tokenTrie } from "./token-trie.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const grammarOf = (seed: number): Grammar | undefined => {
  try {
    return schemaGrammar(randomSchema(randomFrom(seed)), { limits: { steps: 300_000 } });
  } catch (error) {
    if (error instanceof GrammarError) return undefined;
    throw error;
  }
};

/** Texts as tokens are: of one byte, of several characters, of parts of characters. */
const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...[
    '{"',
    '":',
    '": ',
    '", "',
    "true",
    "12",
    "é",
    "日本",
    "😀",
    '"a',
    "foo",
    "}}",
    "]",
    "a",
    "",
    "{",
  ].map(bytes),
  bytes("日本").subarray(1),
  bytes("x😀").subarray(0, 3),
];
const TRIE = tokenTrie(TOKENS);

test("bytes are followed as the characters that they make", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(),
      fc.string({ unit: "binary", maxLength: 3 }),
      (seed, other, junk) => {
        const grammar = grammarOf(seed);
        fc.pre(grammar !== undefined);
        const program = programOf(grammar);
        const automaton = new ByteAutomaton(program);
        const text = sampler(grammar)(randomFrom(other), other % 40);
        const end = automaton.follow(automaton.start, bytes(text));
        assert.ok(end?.complete, text);
        const spoilt = `${text.slice(0, other % (text.length + 1))}${junk}`.toWellFormed();
        const state = stateAfter(program, startState(program), spoilt);
        const followed = automaton.follow(automaton.start, bytes(spoilt));
        assert.equal(followed !== undefined, state.waiting.length > 0 || state.complete);
        assert.equal(followed?.complete ?? false, state.complete);
      },
    ),
    { numRuns: Number(process.env["FC_RUNS"] ?? 100) },
  );
});

test("the tokens that may follow are those that lead somewhere, one by one", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (seed, other) => {
      const grammar = grammarOf(seed);
      fc.pre(grammar !== undefined);
      const automaton = new ByteAutomaton(programOf(grammar));
      const text = bytes(sampler(grammar)(randomFrom(other), other % 40));
      const state = automaton.follow(automaton.start, text.subarray(0, other % (text.length + 1)));
      assert.ok(state !== undefined);
      const found = new Set<number>();
      tokensThatFollow(state, automaton, TRIE, (token) => found.add(token));
      for (const [token, own] of TOKENS.entries()) {
        const leads: boolean = own.length > 0 && automaton.follow(state, own) !== undefined;
        assert.equal(found.has(token), leads, `token ${token}`);
      }
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 100) },
  );
});

test("a token goes on when one is longer and its rest may follow", () => {
  const automaton = new ByteAutomaton(programOf(readGbnf('root ::= "{\\"" [a-z]+ "\\": " [0-9]')));
  const after = (text: string): ByteState =>
    automaton.follow(automaton.start, bytes(text)) ?? automaton.start;
  const goesOn = (begun: string, rest: string): boolean =>
    someTokenGoesOn(bytes(rest), after(begun + rest), automaton, TRIE);
  assert.equal(goesOn("", "{"), true);
  assert.equal(goesOn('{"a', '":'), true, 'there is "": "" with its space');
  assert.equal(goesOn('{"a', '": '), false);
  assert.equal(goesOn("", '{"'), false, "no token is longer");
});

test("thousands of characters between which the grammar makes no difference are a few states", () => {
  const automaton = new ByteAutomaton(programOf(readGbnf("root ::= [^\\x00-\\x1f]*")));
  const seen = new Set<ByteState>();
  for (let char = 0x80; char < 0x11000; char += 7) {
    if (char >= 0xd800 && char < 0xe000) continue;
    let at: ByteState | undefined = automaton.start;
    for (const byte of bytes(String.fromCodePoint(char))) {
      at = automaton.next(at ?? automaton.start, byte);
      assert.ok(at !== undefined, char.toString(16));
      seen.add(at);
    }
  }
  assert.ok(seen.size < 12, `${seen.size} states`);
});

test("a program is the same after it was packed", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const grammar = grammarOf(seed);
    if (grammar === undefined) continue;
    const program = programOf(grammar);
    assert.deepEqual(unpacked(structuredClone(packed(program))), program);
  }
});

test("what is no UTF-8 leads nowhere", () => {
  const automaton = new ByteAutomaton(programOf(readGbnf("root ::= .*")));
  for (const wrong of [
    [0x80],
    [0xc0, 0x80],
    [0xe0, 0x80],
    [0xed, 0xa0],
    [0xf0, 0x80],
    [0xf4, 0x90],
    [0xff],
  ]) {
    assert.equal(
      automaton.follow(automaton.start, Uint8Array.from(wrong)),
      undefined,
      String(wrong),
    );
  }
});

test("a grammar that leaves too much open is refused while it is followed, not followed for ever", () => {
  const optional = Array.from({ length: 400 }, () => "a?").join(" ");
  const text = `root ::= b b b\nb ::= ${optional}\na ::= "x" a? | "x" c\nc ::= "x" a? a?`;
  const automaton = new ByteAutomaton(programOf(readGbnf(text)));
  assert.throws(() => {
    automaton.begin();
    automaton.follow(automaton.start, bytes("x".repeat(2000)));
  }, GrammarError);
});

test("a compiled schema and its grammar are the same", () => {
  const schema = { type: "object", properties: { a: { enum: [1, "b"] } }, required: ["a"] };
  const { accepts } = judgeOfGbnf(
    compileSchema(schema, { whitespace: "compact", closesObjects: true }),
  );
  assert.deepEqual(['{"a":1}', '{"a":"b"}', '{"a":1,"b":2}', "{}"].map(accepts), [
    true,
    true,
    false,
    false,
  ]);
});
