import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ReasoningFormat, ReasoningText } from "./reasoning-text.ts";

const THINK: ReasoningFormat = { begin: "<think>", end: "</think>", answerBegins: [] };
const TAGGED: ReasoningFormat = {
  begin: "<think>",
  end: "</think>",
  answerBegins: ["<response>"],
  answerEnd: "</response>",
};
const CHANNELS: ReasoningFormat = {
  begin: "<|channel|>analysis<|message|>",
  end: "<|end|>",
  answerBegins: ["<|channel|>final<|message|>"],
  answerEnd: "<|end|>",
  partBegin: "<|start|>assistant",
};
const RECIPIENTS: ReasoningFormat = {
  begin: " to=self<|message|>",
  end: "<|eom|>",
  answerBegins: [" to=user<|message|>"],
  answerEnd: "<|eom|>",
  partBegin: "<|start|>assistant",
};

type Parts = { reasoning: string; answer: string };

function read(format: ReasoningFormat, startsInside: boolean, pieces: readonly string[]): Parts {
  const text = new ReasoningText(format, startsInside);
  const parts: Parts = { reasoning: "", answer: "" };
  let rest = "";
  const take = (told: ReturnType<ReasoningText["push"]>) => {
    for (const { kind, length } of told) {
      if (kind !== "neither") parts[kind] += rest.slice(0, length);
      rest = rest.slice(length);
    }
  };
  for (const piece of pieces) {
    rest += piece;
    take(text.push(piece));
  }
  take(text.finish());
  assert.equal(rest, "", "everything is told in the end");
  return parts;
}

for (const [what, format, startsInside, text, reasoning, answer] of [
  [
    "tags of a model that begins to think itself",
    THINK,
    false,
    "<think>\nHm.\n</think>\n\nYes.",
    "Hm.",
    "Yes.",
  ],
  [
    "an answer between tags of its own",
    TAGGED,
    false,
    "<think>Hm.</think>\n<response>\nYes.\n\nOr no.\n</response>\n",
    "Hm.",
    "Yes.\n\nOr no.",
  ],
  [
    "an end tag that belongs to nothing",
    TAGGED,
    false,
    "<think>Hm.</think>\nWrite </response> behind it.",
    "Hm.",
    "Write </response> behind it.",
  ],
  ["thoughts that the prompt has begun", THINK, true, "Hm.\n</think>\n\nYes.", "Hm.", "Yes."],
  [
    "a tag that the prompt has written already",
    THINK,
    true,
    "\n<think>\nHm.</think>Yes.",
    "Hm.",
    "Yes.",
  ],
  [
    "an answer without thoughts",
    THINK,
    false,
    " Yes. <think>no</think>",
    "",
    " Yes. <think>no</think>",
  ],
  ["thoughts without an end", THINK, true, " Hm, hm ", "Hm, hm", ""],
  ["no thoughts between the tags", THINK, false, "<think>\n\n</think>\n\nYes.", "", "Yes."],
  ["nothing", THINK, false, "", "", ""],
  ["only a tag", THINK, false, "<think>", "", ""],
  ["the beginning of a tag", THINK, false, "<thi", "", "<thi"],
  ["white space in thoughts and answers", THINK, true, "a\n\n b</think> c \n", "a\n\n b", "c \n"],
  [
    "channels",
    CHANNELS,
    false,
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
    "Hm.",
    "Yes.",
  ],
  ["a final channel alone", CHANNELS, false, "<|channel|>final<|message|>Yes.", "", "Yes."],
  [
    "a call of a tool, which is neither",
    CHANNELS,
    false,
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.f <|message|>{}",
    "Hm.",
    "<|channel|>commentary to=functions.f <|message|>{}",
  ],
  [
    "thoughts in several messages",
    CHANNELS,
    false,
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>analysis<|message|> Well.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
    "Hm.Well.",
    "Yes.",
  ],
  [
    "messages to somebody",
    RECIPIENTS,
    false,
    " to=self<|message|>Hm.<|eom|><|start|>assistant to=user<|message|>Yes.",
    "Hm.",
    "Yes.",
  ],
  [
    "an answer and a call behind it, with the space that it begins with",
    RECIPIENTS,
    false,
    " to=user<|message|>Yes.<|eom|><|start|>assistant to=f<|message|>{}",
    "",
    "Yes. to=f<|message|>{}",
  ],
  ["a call alone", RECIPIENTS, false, " to=f<|message|>{}", "", " to=f<|message|>{}"],
] as const) {
  test(`${what} are told apart, whatever the pieces`, () => {
    assert.deepEqual(read(format, startsInside, [text]), { reasoning, answer });
    assert.deepEqual(read(format, startsInside, Array.from(text)), { reasoning, answer });
  });
}

test("any cut of any text gives the same parts", () => {
  const words = [
    "<think>",
    "</think>",
    "<",
    "think",
    ">",
    "</",
    " ",
    "\n",
    "a",
    "<|end|>",
    "<|channel|>",
  ];
  const marks = [CHANNELS.begin, ...CHANNELS.answerBegins];
  const text = fc
    .array(fc.constantFrom(...words, ...marks), { maxLength: 12 })
    .map((all) => all.join(""));
  fc.assert(
    fc.property(
      text,
      fc.array(fc.nat(80), { maxLength: 20 }),
      fc.boolean(),
      fc.constantFrom(THINK, CHANNELS),
      (all, cuts, startsInside, format) => {
        const places = [0, ...cuts.filter((cut) => cut < all.length), all.length].toSorted(
          (a, b) => a - b,
        );
        const pieces = places.slice(1).map((end, at) => all.slice(places[at], end));
        assert.deepEqual(read(format, startsInside, pieces), read(format, startsInside, [all]));
      },
    ),
    { numRuns: Number(process.env["FC_RUNS"] ?? 1000) },
  );
});
