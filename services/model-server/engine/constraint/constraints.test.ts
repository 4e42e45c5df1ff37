import assert from "node:assert/strict";
import { test } from "node:test";
import type { Language } from "@localmodel/inference/constraint.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import { Vocabulary, type VocabularySource } from "../text/vocabulary.ts";
import { Constraints } from "./constraints.ts";
import { GrammarThread } from "./grammar-thread.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz".split("");
const SOURCE: VocabularySource = {
  kind: "bytePairs",
  texts: LETTERS,
  types: LETTERS.map(() => 1),
};

/** The real compiler's thread, which also tells what it was asked to compile. */
function counted(deadline?: ConstructorParameters<typeof GrammarThread>[1]) {
  const thread = new GrammarThread(SOURCE, deadline);
  const compiled: Language[] = [];
  const constraints = new Constraints(
    {
      trie: () => new GrammarThread(SOURCE).trie(),
      compile: (language) => {
        compiled.push(language);
        return thread.compile(language);
      },
    },
    new Vocabulary(SOURCE),
    (text) => text.split("").map((letter) => LETTERS.indexOf(letter)),
  );
  const ask = (language: Language) => constraints.prepare({ grammar: { language } });
  return { ask, compiled };
}

const unique = (title: string): Language => ({
  kind: "schema",
  field: "response_format",
  schema: { title, type: "array", uniqueItems: true },
});
const isRefusal = (error: unknown): boolean =>
  error instanceof Failure && error.field === "response_format.uniqueItems";

test("a language that is compiled or refused is so once", async () => {
  const { ask, compiled } = counted();
  const word: Language = { kind: "regex", field: "guided_regex", pattern: "[a-z]+" };
  for (let time = 0; time < 3; time += 1) {
    await ask(word);
    await assert.rejects(ask(unique("one")), isRefusal);
  }
  assert.equal(compiled.length, 2);
});

test("refusals are forgotten, the oldest first", async () => {
  const { ask, compiled } = counted();
  for (let number = 0; number <= 256; number += 1) {
    await assert.rejects(ask(unique(`${number}`)), isRefusal);
  }
  assert.equal(compiled.length, 257);
  await assert.rejects(ask(unique("256")), isRefusal);
  assert.equal(compiled.length, 257);
  await assert.rejects(ask(unique("0")), isRefusal);
  assert.equal(compiled.length, 258);
});

test("what the machine did not manage is tried again", async () => {
  const { ask, compiled } = counted({ beatMs: 0, beats: 0 });
  const word: Language = { kind: "regex", field: "guided_regex", pattern: "[a-z]+" };
  for (let time = 0; time < 2; time += 1) await assert.rejects(ask(word), Failure);
  assert.equal(compiled.length, 2);
});

test("what is refused for the time that it takes, or for what it leaves open, is named by its field", async () => {
  const field = "response_format.schema";
  const slow: Language = { kind: "schema", field, schema: true };
  await assert.rejects(counted({ beatMs: 0, beats: 0 }).ask(slow), { field });
  const guide = (await counted().ask(slow))();
  assert.equal(guide.field, field);
});

test("many tools together may not take longer than a few schemas", async () => {
  const { ask } = counted({ beatMs: 1000, beats: 120 });
  const choices = Array.from({ length: 8 }, (_, index) => ({
    anyOf: [0, 1].map((value) => ({
      properties: { [`a${index}`]: { const: value } },
      required: [`a${index}`],
    })),
  }));
  const costly = (index: number): Language => ({
    kind: "schema",
    field: `tools[${index}].function.parameters`,
    schema: { type: "object", title: `${index}`, allOf: choices },
  });
  await assert.doesNotReject(ask(costly(0)));
  const others = Array.from({ length: 100 }, (_, index) => costly(index + 1));
  await assert.rejects(
    ask({ kind: "either", parts: [costly(0), ...others] }),
    /cannot be guaranteed: the schema takes too much work to compile, at 'tools\[\d+\]/,
  );
});
