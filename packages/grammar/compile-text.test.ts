import assert from "node:assert/strict";
import { test } from "node:test";
import { checkedGbnf, compileChoice, compileJsonObject, compileRegex } from "./compile-text.ts";
import { judgeOfGbnf } from "./fixtures/judge.ts";
import { readGbnf } from "./gbnf/read.ts";
import { forcedText, programOf, startState, stateAfter } from "./gbnf/recognize.ts";
import { GrammarError } from "./grammar-error.ts";

test("json_object accepts objects and nothing else", () => {
  const { accepts } = judgeOfGbnf(compileJsonObject());
  for (const text of ["{}", '{"a":[1,-2.5e3,null,{"b":"\\u00e9"}]}', '{\n  "a": true\n}']) {
    assert.ok(accepts(text), text);
  }
  for (const text of ["[]", '"a"', "{", '{"a":1,}', "{a:1}", '{"a":01}', "{} "]) {
    assert.ok(!accepts(text), text);
  }
});

test("a regular expression is matched as a whole, and is plain text", () => {
  const { accepts } = judgeOfGbnf(compileRegex('\\d{3}-[a-z"\\\\]+|none'));
  assert.ok(accepts("123-ab"));
  assert.ok(accepts('123-"\\'));
  assert.ok(accepts("none"));
  assert.ok(!accepts("x123-ab"));
  assert.ok(!accepts("none!"));
});

test("choices are texts as they are, also where one begins another", () => {
  const { accepts } = judgeOfGbnf(compileChoice(["yes", "yes, but", 'say "no"\n', "né"]));
  for (const text of ["yes", "yes, but", 'say "no"\n', "né"]) assert.ok(accepts(text), text);
  for (const text of ["ye", "yes,", "", "no"]) assert.ok(!accepts(text), text);
});

test("nothing to choose, or a pattern without a match, is an error", () => {
  assert.throws(() => compileChoice([]), GrammarError);
  assert.throws(() => compileRegex("a(?!b)b"), GrammarError);
  assert.throws(() => compileRegex("(a"), GrammarError);
});

test("GBNF of a client passes as it is, with groups, comments and repetition", () => {
  const text = [
    "# a list of numbers",
    'root ::= "[" ws (number ("," ws number)*)? "]" # with commas',
    "number ::= [0-9]{1,3} | '-'?".replace("'-'", '"-"') + " [1-9] [0-9]+",
    'ws ::= [ \\t\\n]? | ("\\u0020"',
    "  [^\\x00-\\x1F])",
  ].join("\n");
  assert.equal(checkedGbnf(text), text);
  const { accepts } = judgeOfGbnf(text);
  for (const each of ["[]", "[1, 22,333]", "[-100]", "[ x1]"]) assert.ok(accepts(each), each);
  for (const each of ["[1,]", "[0000]", "1"]) assert.ok(!accepts(each), each);
});

const REFUSED: Readonly<Record<string, string>> = {
  "without a root": 'start ::= "a"',
  "with a rule that is not defined": "root ::= item",
  "with direct left recursion": 'root ::= root "a" | "b"',
  "with left recursion through what may be empty":
    'root ::= maybe list\nmaybe ::= "x"?\nlist ::= root "a" | "b"',
  "with a repeated empty loop": 'root ::= ("a"?)*',
  "with too many repetitions": 'root ::= "a"{5000}',
  "with repetitions of repetitions": 'root ::= (((("a"{900}){900}){900}){900}){900}',
  "with an unclosed literal": 'root ::= "a',
  "with an unclosed group": 'root ::= ("a"',
  "with tokens": "root ::= <think>",
  "with text after a rule": 'root ::= "a" )',
  "that is empty": "",
};

for (const [what, text] of Object.entries(REFUSED)) {
  test(`GBNF ${what} is refused`, () => {
    assert.throws(() => checkedGbnf(text), GrammarError);
  });
}

test("text that must follow is known before it is written", () => {
  const gbnf = compileChoice(["the cat", "the car"]);
  const program = programOf(readGbnf(gbnf));
  assert.equal(forcedText(startState(program), program), "the ca");
  assert.equal(forcedText(stateAfter(program, startState(program), "the cat"), program), "");
});
