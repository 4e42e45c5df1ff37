import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AnswerScanner, type Thinking } from "./answer-scanner.ts";

const THINK: Thinking = {
  begin: "<think>",
  end: "</think>",
  answerBegins: [],
  startsInside: false,
};
const CHANNELS: Thinking = {
  begin: "<|channel|>analysis<|message|>",
  end: "<|end|>",
  answerBegins: ["<|channel|>final<|message|>"],
  answerEnd: "<|end|>",
  partBegin: "<|start|>assistant",
  startsInside: false,
};

type Read = { readonly text: string; readonly stop?: string };

/** As it is sent: control tokens, in one piece, write nothing. */
function read(
  stops: readonly string[],
  thinking: Thinking | undefined,
  pieces: readonly string[],
): Read {
  const scanner = new AnswerScanner(stops, thinking);
  let text = "";
  for (const piece of pieces) {
    const isControl = /^<\|[a-z]+\|>$/.test(piece);
    const { released, stop } = isControl ? scanner.push("", piece) : scanner.push(piece);
    text += released;
    if (stop !== undefined) return { text, stop };
  }
  return { text: text + scanner.finish() };
}

const tokensOf = (text: string) => text.split(/(<\|[a-z]+\|>)/).filter((one) => one !== "");

for (const [what, stops, thinking, text, expected] of [
  ["in thoughts", ["Q:"], THINK, "<think>Q: what?</think>Yes.", "<think>Q: what?</think>Yes."],
  [
    "in thoughts that the prompt has begun",
    ["Q:"],
    { ...THINK, startsInside: true },
    "Q: what?</think>Yes.",
    "Q: what?</think>Yes.",
  ],
  [
    "in the marks of thoughts",
    ["think", "<"],
    THINK,
    "<think>Hm.</think>Yes.",
    "<think>Hm.</think>Yes.",
  ],
  ["across the end of thoughts", [".Y"], THINK, "<think>Hm.</think>Yes.", "<think>Hm.</think>Yes."],
  ["in thoughts without an end", ["Q:"], THINK, "<think>Q: what? Q", "<think>Q: what? Q"],
  [
    "in the heads of messages",
    ["final", "assistant"],
    CHANNELS,
    "<|channel|>analysis<|message|>final<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
    "analysisfinalassistantfinalYes.",
  ],
] as const) {
  test(`a stop string ${what} ends nothing`, () => {
    assert.deepEqual(read(stops, thinking, tokensOf(text)), { text: expected });
  });
}

for (const [what, thinking, text, expected] of [
  ["behind thoughts", THINK, "<think>Q: 1</think>Yes. Q: 2", "<think>Q: 1</think>Yes. "],
  ["of a model that thinks nothing this time", THINK, "Yes. Q: 2", "Yes. "],
  ["of a model that never thinks", undefined, "<think>Q: 1", "<think>"],
  ["in its channel", CHANNELS, "<|channel|>final<|message|>Yes. Q: 2", "finalYes. "],
] as const) {
  test(`a stop string in an answer ${what} ends it`, () => {
    assert.deepEqual(read(["Q:"], thinking, tokensOf(text)), { text: expected, stop: "Q:" });
  });
}

test("an answer that is cut off where a mark may have begun is still searched", () => {
  assert.deepEqual(read(["<t"], THINK, ["<th"]), { text: "" });
});

test("once they are ignored, what was held back is text", () => {
  const scanner = new AnswerScanner(["Q:"], THINK);
  assert.deepEqual(scanner.push("<thi"), { released: "" });
  scanner.ignoreAll();
  assert.deepEqual(scanner.push("nk>Q: Q"), { released: "<think>Q: Q" });
});

test("any cut of any text is told, and ended, alike", () => {
  const words = ["<think>", "</think>", "<", "Q", ":", "Q:", " ", "\n", "a"];
  const pieces = fc.array(fc.constantFrom(...words), { maxLength: 12 });
  fc.assert(
    fc.property(pieces, fc.boolean(), (all, startsInside) => {
      const thinking = { ...THINK, startsInside };
      const whole = read(["Q:"], thinking, [all.join("")]);
      assert.deepEqual(read(["Q:"], thinking, Array.from(all.join(""))), whole);
      assert.ok(all.join("").startsWith(whole.text));
    }),
  );
});
