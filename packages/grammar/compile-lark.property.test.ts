import assert from "node:assert/strict";
import { test } from "node:test";
import { larkGrammar } from "./compile-lark.ts";
import { referenceAccepts } from "./fixtures/lark-reference.ts";
import { larkText, randomLark } from "./fixtures/random-lark.ts";
import { randomFrom } from "./fixtures/judge.ts";
import { type Random, sampler } from "./fixtures/sample.ts";
import { acceptsText, programOf } from "./gbnf/recognize.ts";
import { GrammarError } from "./grammar-error.ts";
import type { Grammar } from "./rules/grammar.ts";

const GRAMMARS = 400;
const TEXTS = 12;

/** What is refused says nothing of texts; only left recursion behind something empty is. */
function compiled(source: string, asJsonString = false): Grammar | undefined {
  try {
    return larkGrammar(source, { asJsonString });
  } catch (error) {
    assert.ok(error instanceof GrammarError, String(error));
    const isHidden = /begins with itself|no text matches/.test(error.message);
    assert.ok(isHidden, `${error.message}\n${source}`);
    return undefined;
  }
}

function mutated(text: string, random: Random): string {
  const chars = Array.from(text);
  const at = Math.floor(random() * (chars.length + 1));
  const other = ["a", "b", "C", " ", "\n", '"', "é"][Math.floor(random() * 7)] ?? "";
  chars.splice(at, random() < 0.5 ? 1 : 0, ...(random() < 0.7 ? [other] : []));
  return chars.join("");
}

test("a text is of a random Lark grammar exactly where a simple matcher says so", () => {
  let [accepted, refused] = [0, 0];
  for (let seed = 1; seed <= GRAMMARS; seed++) {
    const random = randomFrom(seed);
    const lark = randomLark(random);
    const source = larkText(lark);
    const grammar = compiled(source);
    if (grammar === undefined) continue;
    const program = programOf(grammar);
    const sample = sampler(grammar);
    for (let i = 0; i < TEXTS; i++) {
      const own = sample(random, 8);
      for (const text of [own, mutated(own, random), mutated("abab", random)]) {
        const expected = referenceAccepts(lark, text);
        const label = `${JSON.stringify(text)} with seed ${seed} of\n${source}`;
        assert.equal(acceptsText(program, text), expected, label);
        if (expected) accepted++;
        else refused++;
      }
    }
  }
  assert.ok(accepted > GRAMMARS && refused > GRAMMARS, `${accepted} accepted, ${refused} refused`);
});

test("a random Lark grammar in a JSON string has the same texts, written as JSON", () => {
  for (let seed = 1; seed <= GRAMMARS; seed++) {
    const random = randomFrom(seed);
    const source = larkText(randomLark(random));
    const [plain, quoted] = [compiled(source), compiled(source, true)];
    if (plain === undefined || quoted === undefined) continue;
    const [plainProgram, program] = [programOf(plain), programOf(quoted)];
    for (let i = 0; i < TEXTS; i++) {
      const written = sampler(quoted)(random, 8);
      assert.ok(acceptsText(plainProgram, JSON.parse(written) as string), `${written} ${source}`);
      const text = mutated(sampler(plain)(random, 8), random);
      const expected = acceptsText(plainProgram, text);
      assert.equal(acceptsText(program, JSON.stringify(text)), expected, `${text} ${source}`);
    }
  }
});
