import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import fc from "fast-check";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../../../../test/support/tiny-models.ts";
import { loadEngine, type LoadedEngine } from "../load.ts";
import { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { type TextTokenizer, textTokens } from "./text-tokens.ts";

/** As SentencePiece models have it: words with the space before them, and perhaps one in front of every text. */
function wordTokenizer({ prefix }: { readonly prefix: boolean }): TextTokenizer {
  return {
    tokenize: (text) =>
      Array.from((prefix ? ` ${text}` : text).matchAll(/ ?[^ ]+| +/gu), ([word]) =>
        Array.from(word).reduce((sum, one) => (sum * 31 + (one.codePointAt(0) ?? 0)) % 1e9, 7),
      ),
    cutsAtSpaces: false,
    joinsWords: false,
    longestTokenBytes: 64,
  };
}

const words = fc.constantFrom(
  "the",
  "river,",
  "<tag>",
  "[x]",
  "東京",
  "don't",
  "",
  "\n",
  "a  b",
  "🙂",
);
const texts = fc
  .array(words, { minLength: 20, maxLength: 60 })
  .map((some) => `${some.join(" ")} `.repeat(Math.ceil(60_000 / some.join(" ").length)));

async function inSlices(tokenizer: TextTokenizer, text: string) {
  const slices: number[] = [];
  const watched = {
    ...tokenizer,
    tokenize: (part: string, control: boolean) => {
      slices.push(part.length);
      return tokenizer.tokenize(part, control);
    },
  };
  const limit = { contextTokens: 10_000_000 };
  return { tokens: await textTokens(text, { control: false }, watched, limit), slices };
}

for (const prefix of [true, false]) {
  test(`slices end before single spaces, ${prefix ? "which the tokenizer puts there by itself" : "which stay"}`, async () => {
    const tokenizer = wordTokenizer({ prefix });
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { tokens } = await inSlices(tokenizer, text);
        assert.deepEqual(tokens, tokenizer.tokenize(text, false));
      }),
      { numRuns: 20 },
    );
    const { slices } = await inSlices(tokenizer, "some words ".repeat(10_000));
    assert.ok(Math.max(...slices) < 10_000);
  });
}

test("a tokenizer whose tokens may go on after a word is given its text whole", async () => {
  const tokenizer = { ...wordTokenizer({ prefix: false }), joinsWords: true };
  const { slices } = await inSlices(tokenizer, "some words ".repeat(10_000));
  assert.equal(slices.at(-1), 110_000);
});

suite("with llama.cpp's WordPiece tokenizer", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let loaded: LoadedEngine;
  before(async () => {
    folder = await TemporaryFolder.create();
    const weightsPath = folder.file("bert.gguf");
    await writeTinyEmbeddingModel(weightsPath);
    const engine = { gpuLayers: 0, threads: 1 };
    const config = ServerConfig.parse({ modelId: "m", createdSeconds: 0, weightsPath, engine });
    loaded = await loadEngine(config, { progress: () => {}, log: () => {}, onStuck: () => {} });
  });
  after(async () => {
    loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  test("slices make the same tokens as the whole text", async () => {
    const { tokenizer } = loaded;
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { tokens, slices } = await inSlices(tokenizer, text);
        assert.deepEqual(tokens, tokenizer.tokenize(text, false));
        assert.ok(slices.length > 10);
      }),
      { numRuns: 10 },
    );
  });
});
