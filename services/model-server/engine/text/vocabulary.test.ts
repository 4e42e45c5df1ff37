import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { trainBytePairs } from "../../../../test/support/byte-pair-encoding.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { Vocabulary } from "./vocabulary.ts";

const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

function vocabularyOf(kind: string, tokens: readonly (readonly [text: string, type: number])[]) {
  return new Vocabulary({
    kind,
    texts: tokens.map(([text]) => text),
    types: tokens.map(([, type]) => type),
  });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

test("a byte-level vocabulary has a token for every byte, and each gives exactly that byte", () => {
  const { tokens } = trainBytePairs(0);
  const vocabulary = new Vocabulary({ kind: "gpt2", texts: tokens, types: [] });
  assert.deepEqual(
    tokens.map((_, token) => [...vocabulary.bytes(token)]),
    Array.from({ length: 256 }, (_, byte) => [byte]),
  );
});

test("a merged token of a byte-level vocabulary gives the bytes of its parts", () => {
  const { tokens, merges } = trainBytePairs(300);
  const vocabulary = new Vocabulary({ kind: "gpt2", texts: tokens, types: [] });
  const bytes = (piece: string) => vocabulary.bytes(tokens.indexOf(piece));
  for (const merge of merges) {
    const [left = "", right = ""] = merge.split(" ");
    assert.deepEqual([...bytes(left + right)], [...bytes(left), ...bytes(right)]);
  }
});

test("a SentencePiece vocabulary writes a space as U+2581 and odd bytes in hexadecimal", () => {
  const vocabulary = vocabularyOf("llama", [
    ["▁the▁end", TYPE.normal],
    ["<0x0A>", TYPE.byte],
    ["<0xE2>", TYPE.byte],
    ["é", TYPE.normal],
    ["<0x41>", TYPE.normal],
  ]);
  assert.equal(textOf(vocabulary.bytes(0)), " the end");
  assert.deepEqual([...vocabulary.bytes(1)], [0x0a]);
  assert.deepEqual([...vocabulary.bytes(2)], [0xe2]);
  assert.equal(textOf(vocabulary.bytes(3)), "é");
  assert.equal(textOf(vocabulary.bytes(4)), "<0x41>");
});

for (const kind of ["gpt2", "llama", "bert"]) {
  test(`${kind}: a token its maker added is written as it stands`, () => {
    const vocabulary = vocabularyOf(kind, [["<think>\u2581 Ġé", TYPE.userDefined]]);
    assert.equal(textOf(vocabulary.bytes(0)), "<think>\u2581 Ġé");
  });

  test(`${kind}: control tokens write nothing, but have a name`, () => {
    const vocabulary = vocabularyOf(kind, [
      ["<|im_end|>", TYPE.control],
      ["<unk>", TYPE.unknown],
    ]);
    assert.deepEqual([...vocabulary.bytes(0)], []);
    assert.deepEqual([...vocabulary.bytes(1)], []);
    assert.equal(textOf(vocabulary.labelBytes(0)), "<|im_end|>");
    assert.equal(textOf(vocabulary.labelBytes(1)), "<unk>");
  });
}

test("without token types every token is a normal one", () => {
  const vocabulary = new Vocabulary({ kind: "gpt2", texts: ["Ġa"], types: [] });
  assert.equal(textOf(vocabulary.bytes(0)), " a");
  assert.deepEqual(vocabulary.controlTexts, []);
});

test("a token beyond the vocabulary writes nothing", () => {
  const vocabulary = vocabularyOf("gpt2", [["a", TYPE.normal]]);
  assert.deepEqual([...vocabulary.bytes(1)], []);
  assert.equal(vocabulary.size, 1);
});

test("knows the texts that the tokenizer would read as special, and only those", () => {
  const vocabulary = vocabularyOf("llama", [
    ["<unk>", TYPE.unknown],
    ["<s>", TYPE.control],
    ["", TYPE.control],
    ["<0x41>", TYPE.byte],
    ["▁a", TYPE.normal],
    ["<think>", TYPE.userDefined],
    ["<|im_start|>", TYPE.userDefined],
    ["<start_of_turn>", TYPE.userDefined],
    ["<｜User｜>", TYPE.userDefined],
    ["[INST]", TYPE.userDefined],
    ["\n\n", TYPE.userDefined],
    ["<table>", TYPE.userDefined],
  ]);
  assert.deepEqual(vocabulary.controlTexts, [
    "<unk>",
    "<s>",
    "<|im_start|>",
    "<start_of_turn>",
    "<｜User｜>",
    "[INST]",
  ]);
});

test("knows the end-of-generation texts that llama.cpp knows, whatever the file calls them", () => {
  const vocabulary = new Vocabulary({
    kind: "gpt2",
    texts: ["<|im_end|>", "a<b", "end"],
    types: [TYPE.normal, TYPE.normal, TYPE.normal],
    isEnd: (token) => token !== 1,
  });
  assert.deepEqual(vocabulary.controlTexts, ["<|im_end|>"]);
});

test("no token writes more bytes than the longest, so a length tells the fewest tokens", () => {
  const anyToken = fc.tuple(fc.string({ unit: "grapheme" }), fc.constantFrom(1, 2, 3, 4, 5));
  fc.assert(
    fc.property(fc.constantFrom("gpt2", "llama"), fc.array(anyToken), (kind, tokens) => {
      const vocabulary = vocabularyOf(kind, tokens);
      assert.ok(vocabulary.longestTokenBytes >= 1);
      for (const token of tokens.keys()) {
        assert.ok(vocabulary.bytes(token).length <= vocabulary.longestTokenBytes);
      }
    }),
  );
});

test("what llama.cpp makes of a text has the bytes of the text", { timeout: 60_000 }, async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("tiny.gguf");
  await writeTinyChatModel(path);
  const { loaded } = await TestEngine.load(path, { slots: 1, contextTokens: 64 });
  const { tokenizer, vocabulary } = loaded;
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
      const bytes = tokenizer.tokenize(text, false).map((token) => vocabulary.bytes(token));
      assert.equal(Buffer.concat(bytes).toString(), text);
    }),
    { examples: [["<|im_start|>"], ["é🙂\u0000\u200d"], ["  \n\t "]] },
  );
  assert.deepEqual(
    vocabulary.controlTexts.map((text) => tokenizer.tokenize(text, true).length),
    vocabulary.controlTexts.map(() => 1),
  );
  loaded.unload();
});

test("user-defined tokens that look like markers are told from tags, white space and words", () => {
  const { markerTexts, controlTexts } = vocabularyOf("gpt2", [
    ["</think>", TYPE.userDefined],
    ["<tool_response>", TYPE.userDefined],
    ["[TOOL_RESULTS]", TYPE.userDefined],
    ["<table>", TYPE.userDefined],
    ["\n\n\n", TYPE.userDefined],
    ["    ", TYPE.userDefined],
    ["don't", TYPE.userDefined],
    ["<b>", TYPE.normal],
    ["<s>", TYPE.control],
  ]);
  assert.deepEqual(markerTexts, ["</think>", "<tool_response>", "[TOOL_RESULTS]", "<table>"]);
  assert.deepEqual(controlTexts, ["[TOOL_RESULTS]", "<s>"]);
});
