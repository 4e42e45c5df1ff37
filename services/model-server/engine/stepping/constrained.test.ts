/** Answers that must be of some form, from a model of noise that would never write it by itself. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Constraint, Language } from "@localmodel/inference/constraint.ts";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { GREEDY } from "../../fixtures/sampling.ts";

const HOT = { ...GREEDY, temperature: 2 };
const PERSON: Language = {
  kind: "schema",
  field: "format",
  schema: {
    type: "object",
    properties: {
      name: { type: "string", maxLength: 12 },
      age: { type: "integer", minimum: 0, maximum: 150 },
      tags: { type: "array", items: { enum: ["red", "green"] }, maxItems: 3 },
    },
    required: ["name", "age", "tags"],
    additionalProperties: false,
  },
};
const gbnf = (text: string): Language => ({ kind: "gbnf", text, field: "grammar" });

suite("an answer that must be of some form", { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let folder: TemporaryFolder;

  before(async () => {
    folder = await TemporaryFolder.create();
    const path = folder.file("tiny.gguf");
    await writeTinyChatModel(path, { contextLength: 1024, userDefined: ["<think>", "</think>"] });
    engine = await TestEngine.load(path, { slots: 4, contextTokens: 1024 });
  });

  after(async () => {
    engine.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  const ask = (constraint: Constraint, more: Partial<GenerateRequest> = {}) =>
    engine.ask({ sampling: HOT, maxTokens: 400, ignoreEos: false, constraint, ...more });
  const finishes = (events: Awaited<ReturnType<typeof ask>>["events"]) =>
    events.flatMap((event) => (event.type === "finish" ? event.reason : []));

  test("is of that form, whatever the model would say", async () => {
    const { texts, events } = await ask(
      { grammar: { language: PERSON } },
      { choicesPerPrompt: 8, topLogprobs: 2 },
    );
    assert.equal(texts.length, 8);
    for (const text of texts) {
      const person = JSON.parse(text) as { name: string; age: number; tags: string[] };
      assert.deepEqual(Object.keys(person), ["name", "age", "tags"]);
      assert.ok(Number.isInteger(person.age) && person.age >= 0 && person.age <= 150);
    }
    assert.deepEqual(new Set(finishes(events)), new Set(["stop"]));
  });

  test("is the same for the same seed, with and without log probabilities", async () => {
    const constraint = { grammar: { language: PERSON } };
    const sampling = { ...HOT, temperature: 1, topK: 4, seed: 5 };
    const one = await ask(constraint, { sampling });
    const two = await ask(constraint, { sampling, topLogprobs: 1 });
    assert.deepEqual(two.texts, one.texts);
    const bytes = two.logprobs.flatMap((logprob) => logprob.bytes);
    assert.equal(Buffer.from(bytes).toString(), one.texts[0]);
    assert.equal(two.logprobs.length, one.usage?.completionTokens);
    for (const { logprob } of two.logprobs) assert.ok(logprob !== null && logprob <= 0);
  });

  test("is cut where its tokens end, and not closed by anybody", async () => {
    const full = gbnf('root ::= "[" [a-z]{300} "]"');
    const { texts, events, usage } = await ask({ grammar: { language: full } }, { maxTokens: 9 });
    assert.deepEqual(finishes(events), ["length"]);
    assert.match(texts[0] ?? "", /^\[[a-z]+$/);
    assert.equal(usage?.completionTokens, 9);
  });

  test("stops at a stop string", async () => {
    const language = gbnf('root ::= [ab]{20} "STOP" [ab]{20}');
    const { texts, events } = await ask({ grammar: { language } }, { stop: ["STOP"] });
    assert.match(texts[0] ?? "", /^[ab]{20}$/);
    assert.deepEqual(finishes(events), ["stop"]);
  });

  test("may have characters of many bytes, and only whole ones", async () => {
    const { texts } = await ask({ grammar: { language: gbnf("root ::= [é-ü😀-😆]{12}") } });
    assert.match(texts[0] ?? "", /^[é-ü😀-😆]{12}$/u);
  });

  test("begins as it is told to, and what was put there counts as generated", async () => {
    const prefix = "<|im_start|>Well: ";
    const { texts, usage, events, logprobs } = await ask(
      { prefix },
      { maxTokens: 30, ignoreEos: true, topLogprobs: 0, reportsPieces: true },
    );
    assert.ok(texts[0]?.startsWith("Well: "), texts[0]);
    assert.equal(usage?.completionTokens, 30);
    assert.equal(logprobs.length, 30);
    assert.ok(logprobs.every(({ logprob }) => logprob !== null));
    const pieces = events.flatMap((event) => (event.type === "delta" ? (event.pieces ?? []) : []));
    assert.deepEqual(pieces[0]?.isControl && pieces[0].text, "<|im_start|>");
  });

  test("may be shorter than its beginning", async () => {
    const short = await ask({ prefix: "the quick brown fox jumps" }, { maxTokens: 2 });
    assert.equal(short.usage?.completionTokens, 2);
    assert.deepEqual(finishes(short.events), ["length"]);
    const none = await ask({ prefix: "the quick brown fox jumps" }, { maxTokens: 0 });
    assert.equal(none.usage?.completionTokens, 0);
  });

  test("never has what is banned", async () => {
    const letters = gbnf('root ::= "x"* [a-c]{200}');
    const banned = ["ab", "bc", "ca", "aa"];
    const { texts } = await ask({ grammar: { language: letters }, banned });
    assert.ok(!/ab|bc|ca|aa/.test(texts[0] ?? ""), texts[0]);
    const free = await ask({ banned: ["e", "<|im_end|>"] }, { maxTokens: 200, ignoreEos: true });
    assert.ok(!free.texts[0]?.includes("e"), free.texts[0]);
  });

  test("is free until a marker, and of its form from there on", async () => {
    const language = gbnf('root ::= "{" [ab]{5} "}"');
    const begins = { after: [{ text: "e" }, { text: "t", isPartOfLanguage: false }] };
    for (const seed of [1, 2, 3]) {
      const { texts, events } = await ask(
        { grammar: { language, begins: { ...begins, isRequired: true } } },
        { sampling: { ...HOT, seed }, maxTokens: 900 },
      );
      assert.match(texts[0] ?? "", /^[^et]*[et]\{[ab]{5}\}$/u);
      assert.deepEqual(finishes(events), ["stop"]);
    }
  });

  test("may have the marker in what must be of the form", async () => {
    const language = gbnf('root ::= "<think>" [ab]{5} "."');
    const begins = { after: [{ text: "<think>", isPartOfLanguage: true }] };
    const { texts } = await ask({ prefix: "Hm <think>", grammar: { language, begins } });
    assert.match(texts[0] ?? "", /^Hm <think>[ab]{5}\.$/u);
  });

  test("is of the form from the first character unless it begins with what comes before", async () => {
    const language = gbnf("root ::= [0-9]{4}");
    const begins = { after: [{ text: "</think>" }], opening: "<think>", isRequired: true };
    const grammar = { language, begins };
    const atOnce = await ask({ grammar, banned: ["<", " ", "\n", "\t", "\r"] });
    assert.match(atOnce.texts[0] ?? "", /^[0-9]{4}$/);
    const later = await ask({
      grammar,
      prefix: "\n<think>",
      cutoff: { tokens: 20, markers: ["</think>"], text: "</think>" },
    });
    assert.match(later.texts[0] ?? "", /^\n<think>[^]*<\/think>[0-9]{4}$/);
  });

  test("has its reasoning cut off after so many tokens, once", async () => {
    const cutoff = { tokens: 10, markers: ["</think>"], text: ".</think>" };
    const { texts, usage } = await ask({ cutoff }, { maxTokens: 40, ignoreEos: true });
    assert.equal(texts[0]?.split(".</think>").length, 2);
    assert.equal(usage?.completionTokens, 40);
    const early = await ask(
      { prefix: "</think>", cutoff },
      { maxTokens: 30, ignoreEos: true, sampling: GREEDY },
    );
    assert.ok(!early.texts[0]?.includes(".</think>"), early.texts[0]);
  });

  test("writes control tokens only where they are named and meant", async () => {
    const language = gbnf('root ::= "<|im_start|>" [a-z<>|_]{30} "<|im_start|>"');
    const controlTexts = ["<|im_start|>"];
    const { events } = await ask(
      { grammar: { language, controlTexts } },
      { reportsPieces: true, sampling: { ...HOT, logitBias: [[startToken(), 40]] } },
    );
    const pieces = events.flatMap((event) => (event.type === "delta" ? (event.pieces ?? []) : []));
    const control = pieces.map(({ isControl }, index) => (isControl ? index : -1));
    assert.deepEqual(
      control.filter((index) => index >= 0),
      [0, pieces.length - 1],
    );
    const unnamed = await ask(
      { grammar: { language } },
      { reportsPieces: true, sampling: { ...HOT, logitBias: [[startToken(), 40]] } },
    );
    assert.match(unnamed.texts[0] ?? "", /^<\|im_start\|>[a-z<>|_]{30}<\|im_start\|>$/);
  });

  const startToken = () => {
    const { vocabulary } = engine.loaded;
    const tokens = Array.from({ length: vocabulary.size }, (_, token) => token);
    return tokens.find((token) => vocabulary.textOf([token]) === "<|im_start|>") ?? -1;
  };

  test("has text put into it that alone can follow, and no fewer tokens are told for it", async () => {
    const key = "the_key_that_is_always_the_same_and_rather_long";
    const language = gbnf(`root ::= ("{\\"${key}\\": " [0-9]{2} "}\\n"){6} [xy]`);
    for (const topLogprobs of [undefined, 1]) {
      const { batches } = engine.counters;
      const { texts, usage, logprobs, events } = await ask(
        { grammar: { language } },
        topLogprobs === undefined ? {} : { topLogprobs },
      );
      const steps = engine.counters.batches - batches;
      assert.match(texts[0] ?? "", /^(\{"the_key_[a-z_]+": \d\d\}\n){6}[xy]$/);
      assert.ok(steps < (usage?.completionTokens ?? 0) / 2, `${steps} steps`);
      const told = events.filter(({ type }) => type === "delta").length;
      assert.equal(told, usage?.completionTokens);
      if (topLogprobs !== undefined) assert.equal(logprobs.length, told);
    }
  });

  test("has the tokens that its text has by itself, unless they were drawn", async () => {
    const text = 'the quick brown fox {"a": [1, 2, 3]} jumps over';
    const { events } = await ask(
      { grammar: { language: { kind: "text", text } } },
      { reportsPieces: true },
    );
    const pieces = events.flatMap((event) => (event.type === "delta" ? (event.pieces ?? []) : []));
    const { tokenizer } = engine.loaded;
    assert.deepEqual(
      pieces.map(({ token }) => token),
      tokenizer.tokenize(text, false),
    );
  });

  test("keeps to its form beside others that do not have one", async () => {
    const answers = await Promise.all([
      ask({ grammar: { language: PERSON } }, { choicesPerPrompt: 2 }),
      engine.ask({ sampling: HOT, maxTokens: 100 }),
      ask({ grammar: { language: gbnf("root ::= [xyz]{50}") } }),
      ask({ banned: ["q"] }, { maxTokens: 50, ignoreEos: true }),
    ]);
    for (const text of answers[0]?.texts ?? []) JSON.parse(text);
    assert.equal(answers[1]?.usage?.completionTokens, 100);
    assert.match(answers[2]?.texts[0] ?? "", /^[xyz]{50}$/);
  });

  for (const [what, language, field, says] of [
    [
      "a keyword that cannot be guaranteed",
      {
        kind: "schema",
        field: "f.schema",
        schema: { properties: { "a/b": { pattern: "(a)\\1" } } },
      },
      'f.schema.properties["a/b"].pattern',
      /cannot be guaranteed/,
    ],
    ["bad syntax", gbnf('root ::= "a'), "grammar", /Invalid 'grammar'/],
    ["left recursion", gbnf('root ::= root "a"'), "grammar", /left recursion/],
    ["repetition without measure", gbnf("root ::= [a-z]{100000}"), "grammar", /repetition/],
    ["nesting without end", gbnf(`root ::= ${"(".repeat(100_000)}`), "grammar", /nest/],
    ["nothing to choose from", { kind: "choice", texts: [], field: "c" }, "c", /nothing/],
  ] as const) {
    test(`is refused for ${what}, and the next one is answered`, async () => {
      const { error } = await ask({ grammar: { language } });
      assert.equal(error?.kind, "invalid");
      assert.equal(error.field, field);
      assert.match(error.message, says);
      assert.equal((await ask({ banned: ["x"] }, { maxTokens: 3 })).error, undefined);
    });
  }

  for (const [when, text] of [
    ["from the start", `root ::= ${"a? ".repeat(9000)}\na ::= "x" | "y" a`],
    ["in the answer", `root ::= "go" b b b\nb ::= ${"a? ".repeat(400)}\na ::= "x" a? | "x" a? a?`],
  ] as const) {
    test(`is refused where the grammar leaves ever more open ${when}, without harm to the engine`, async () => {
      const { error } = await ask({ grammar: { language: gbnf(text) } }, { ignoreEos: true });
      assert.equal(error?.kind, "invalid");
      assert.match(error.message, /open/);
      assert.equal(engine.broken.length, 0);
    });
  }
});
