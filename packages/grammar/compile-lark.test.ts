import assert from "node:assert/strict";
import { test } from "node:test";
import { larkGrammar, type LarkOptions } from "./compile-lark.ts";
import { acceptsText, programOf } from "./gbnf/recognize.ts";
import { GrammarError } from "./grammar-error.ts";

function judgeOf(source: string, options?: LarkOptions): (text: string) => boolean {
  const program = programOf(larkGrammar(source, options));
  return (text) => acceptsText(program, text);
}

/** What coding agents edit files with: hunks that add, delete and update files. */
const PATCH = String.raw`
start: opening hunk+ closing
opening: "*** Begin Patch" LF
closing: "*** End Patch" LF?

hunk: added | deleted | updated
added: "*** Add File: " path LF ("+" line LF -> new_line)+
deleted: "*** Delete File: " path LF
updated: "*** Update File: " path LF moved? changes?
moved: "*** Move to: " path LF
changes: (place | change)+ ending?
place: ("@@" | "@@ " path) LF // where in the file
change: ("+" | "-" | " ") line LF
ending: "*** End of File" LF

path: /(.+)/
line: /(.*)/

%import common.LF
`;

const PATCHES: Readonly<Record<string, string>> = {
  "that adds a file": "*** Begin Patch\n*** Add File: a/b.txt\n+one\n+\n*** End Patch",
  "that deletes one": "*** Begin Patch\n*** Delete File: a.txt\n*** End Patch\n",
  "that updates and moves one":
    "*** Begin Patch\n*** Update File: a.py\n*** Move to: b.py\n@@ def f():\n-    return 'a'\n+    return \"b\"\n \n*** End of File\n*** End Patch\n",
  "of several hunks":
    "*** Begin Patch\n*** Delete File: a\n*** Update File: b\n@@\n+x\ty\n*** Add File: c\n+é\n*** End Patch",
};

for (const [what, patch] of Object.entries(PATCHES)) {
  test(`a grammar of patches accepts one ${what}, and none that is cut, without an end or with other lines`, () => {
    const accepts = judgeOf(PATCH);
    const acceptsJson = judgeOf(PATCH, { asJsonString: true });
    assert.ok(accepts(patch));
    assert.ok(acceptsJson(JSON.stringify(patch)));
    const lines = patch.split("\n");
    for (const other of [
      lines.slice(1).join("\n"),
      lines.slice(0, 2).join("\n"),
      patch.replace("*** End Patch", "*** End"),
      patch.replace("*** End Patch", "no line of a patch\n*** End Patch"),
      `${patch} `,
    ]) {
      assert.ok(!accepts(other), other);
      assert.ok(!acceptsJson(JSON.stringify(other)), other);
    }
  });
}

type Case = {
  readonly what: string;
  readonly lark: string;
  readonly yes: readonly string[];
  readonly no: readonly string[];
};

const CASES: readonly Case[] = [
  {
    what: "alternatives on lines of their own, with names that change nothing",
    lark: 'start: "a" -> first\n\n  | "b" "c" -> second // the end\n# and this\n',
    yes: ["a", "bc"],
    no: ["b", "ab", ""],
  },
  {
    what: "groups, options and repetition",
    lark: 'start: ("a" | "b")+ ["c"] "d"? ("e"\n | "f")* "g"~2 ["h" | "i"] "j"~0..2',
    yes: ["agg", "bacdefeggij", "bggjj"],
    no: ["gg", "ag", "aggg", "aggjjj"],
  },
  {
    what: "an alternative that is empty",
    lark: 'start: "(" inner ")"\ninner:\n  | start inner',
    yes: ["()", "(()())"],
    no: ["", "(()"],
  },
  {
    what: "marks, priorities and names with underscores",
    lark: '?start.2: _one | two\n!two: __B\n_one: A_1\nA_1.10: "a"\n__B.-1: "b"',
    yes: ["a", "b"],
    no: ["ab"],
  },
  {
    what: "strings with escapes, and in any case",
    lark: String.raw`start: "\"\\\n\x41\u00e9\U0001F600" "Straße"i`,
    yes: ['"\\\nAé😀straße', '"\\\nAé😀STRAßE'],
    no: ['"\\\nAé😀STRASSE', '"\\\naé😀straße'],
  },
  {
    what: "regular expressions with flags",
    lark: String.raw`start: /a.[^b]\//is /x # two
      y+ [ #]/x /[c-e]\w(?!9)\d/im`,
    yes: ["a\nC/xy CZ1", "A-A/xyy#d_0"],
    no: ["a\nB/xy c11", "a\nC/Xy c11", "a\nC/xy c19"],
  },
  {
    what: "a dot that is any character but a line feed",
    lark: "start: /./",
    yes: ["\r", "\u2028", "😀"],
    no: ["\n", "", "ab"],
  },
  {
    what: "ranges, and terminals that are made of others",
    lark: 'start: HEX~2..4\nHEX: DIGIT | LETTER\nDIGIT: "0".."9"\nLETTER: "a".."f"',
    yes: ["00", "f3a"],
    no: ["0", "g0", "00000"],
  },
  {
    what: "what is ignored around terminals and not inside of them",
    lark: 'start: "let" CNAME "=" sum\nsum: INT | sum "+" INT\n%import common (CNAME, INT, WS)\n%ignore WS\n%ignore /#[^\\n]*/',
    yes: ["let x = 1", "let x=1 +22 # all\n", " let\tx = 1+ 2"],
    no: ["le t x = 1", "let x = 1 2", "let x = +"],
  },
  {
    what: "a terminal under another name",
    lark: "start: N WORD\n%import common.SIGNED_NUMBER -> N\n%import common.WORD",
    yes: ["-1.5e3abc", "7a"],
    no: ["abc", "1."],
  },
  {
    what: "the usual terminals",
    lark: "start: ESCAPED_STRING FLOAT NEWLINE HEXDIGIT\n%import common (ESCAPED_STRING, FLOAT, NEWLINE, HEXDIGIT)",
    yes: ['"a\\"b"1e5\r\n\nF', '"".5\nb'],
    no: ['"a"b"1e5\nF', '""5\nb'],
  },
  {
    what: "rules that begin with themselves",
    lark: 'start: sum\nsum: product | sum ("+" | "-") product\nproduct: atom | product "*" atom\natom: /[0-9]+/ | "(" sum ")"',
    yes: ["1", "1+2*(3-4)*5-6"],
    no: ["", "1+", "(1", "+1"],
  },
  {
    what: "what is repeated and may be empty",
    lark: 'start: line* ("x"?)+\nline: "a"* "\\n"?',
    yes: ["", "aa\n\na\nxx", "xxx"],
    no: ["xa", "b"],
  },
];

for (const { what, lark, yes, no } of CASES) {
  test(`a Lark grammar may have ${what}`, () => {
    const accepts = judgeOf(lark);
    for (const text of yes) assert.ok(accepts(text), text);
    for (const text of no) assert.ok(!accepts(text), text);
  });
}

type Refusal = readonly [lark: string, message: RegExp];

const REFUSED: Readonly<Record<string, Refusal>> = {
  "that is empty": ["", /no rule named start/],
  "without start": ['one: "a"', /no rule named start/],
  "with a rule that is not defined": [
    'start: "a"\n | other',
    /line 2 .* rule other, .*not defined/,
  ],
  "with a terminal that is not defined": ["start: A\nA: B", /line 2 .* terminal B, .*not defined/],
  "with a name that is defined twice": ['start: A\nA: "a"\nA: "b"', /line 3 .*defines A once more/],
  "with a rule inside of a terminal": ['start: A\nA: start "a"', /line 2 .* rule start where only/],
  "with a terminal inside of itself": [
    'start: A\nA: "a" A?',
    /line 2 .* terminal A inside of itself/,
  ],
  "with recursion to the left through others": [
    'start: x\nx: y "a" | "b"\ny: x',
    /line [23] .*rule [xy] begins with/,
  ],
  "with recursion behind what may be empty": [
    'start: "a"? start "b" | "c"',
    /line 1 .*rule start begins with/,
  ],
  "that never ends": ['start: "a" start', /no text matches/],
  "with a terminal that has no text": ["start: /a(?!b)/ /a(?=b)/", /line 1 .*no text matches/],
  "with an anchor": ['start: "a"\n  | /^b/', /line 2 .*\^ or \$/],
  "with a bad regular expression": ['start: "a" /(b/', /line 1 .*unclosed \(/],
  "with a back reference": [String.raw`start: /(a)\1/`, /line 1 .*back reference/],
  "with a flag that is not here": ["start: /a/l", /line 1 .*flag l/],
  "with an unknown escape": [String.raw`start: "\d"`, /line 1 .*\\d in a string/],
  "with half a code point": [String.raw`start: "\ud800"`, /line 1 .*\\ud800/],
  "with a range out of order": ['start: "z".."a"', /line 1 .*two characters in their order/],
  "with counts out of order": ['start: "a"~3..2', /line 1 .*counts in their order/],
  "with a template": ['start: twice{"a"}\ntwice{x}: x x', /line 1 .*template/],
  "with a template's definition": ['twice{x}: x x\nstart: "a"', /line 1 .*template/],
  "that declares terminals": ["start: A\n%declare A", /line 2 .*%declare/],
  "that overrides": ['start: "a"\n%override start: "b"', /line 2 .*%override/],
  "that extends": ['start: "a"\n%extend start: "b"', /line 2 .*%extend/],
  "with tokens": ["start: <|think|>", /line 1 .*token/],
  "that imports other libraries": ["start: A\n%import python.NAME", /line 2 .*library python/],
  "that imports what there is not": ["start: A\n%import common.A", /line 2 .*imports A/],
  "with an unclosed group": ['start: ("a"\n', /expected a closing \)/],
  "with an unclosed string": ['start: "a', /line 1 .*"\\"a"/],
  "with something behind a rule": ['start: "a" )', /line 1 .*end of the line/],
  "without a colon": ['start "a"', /line 1 .*: after the name start/],
  "whose groups nest too deep": [`start: ${"(".repeat(200)}"a"${")".repeat(200)}`, /too deep/],
  "whose terminals grow too large": ["start: /(a|b)*a(a|b){40}/", /too large|too much/],
  "with terminals that count to a billion": ['start: A\nA: "a"~999999999', /too large|too much/],
  "that repeats thousands of things that may be empty": [
    `start: (${'"a"? '.repeat(5000)})*`,
    /too much work/,
  ],
  "whose terminals double": [
    `start: T30\nT0: "a"\n${Array.from({ length: 30 }, (_, i) => `T${i + 1}: T${i} T${i}\n`).join("")}`,
    /too deep or/,
  ],
};

for (const [what, [lark, message]] of Object.entries(REFUSED)) {
  test(`a Lark grammar ${what} is refused, and told where`, () => {
    assert.throws(
      () => larkGrammar(lark),
      (error) => {
        assert.ok(error instanceof GrammarError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test("many rules that use each other in a chain are compiled or refused as too large", () => {
  const chain = Array.from({ length: 20_000 }, (_, i) => `T${i}: T${i + 1}\n`).join("");
  assert.throws(() => larkGrammar(`start: T0\n${chain}T20000: "a"`), GrammarError);
  const rules = Array.from({ length: 5000 }, (_, i) => `r${i}: "(" r${i + 1} ")"\n`).join("");
  const accepts = judgeOf(`start: r0\n${rules}r5000: "a"`);
  assert.ok(accepts(`${"(".repeat(5000)}a${")".repeat(5000)}`));
});
