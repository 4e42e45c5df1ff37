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
