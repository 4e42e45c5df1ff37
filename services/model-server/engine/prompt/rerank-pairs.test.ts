import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "@localmodel/inference/failure.ts";
import type { RerankRequest } from "@localmodel/inference/rerank.ts";
import { encodePairs, type PairPiece, plainPair, templatePair } from "./rerank-pairs.ts";

/** A token for each character. */
const tokenizer = {
  tokenize: (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0),
  cutsAtSpaces: true,
  longestTokenBytes: 1,
};
const AROUND = new Map([
  [1, "<bos>"],
  [2, "<eos>"],
  [3, "<sep>"],
  [4, "<|a.b|>"],
]);
const CONTROL = new Map([...AROUND].map(([token, text]) => [text, token]));

function encode(pieces: readonly PairPiece[], request: Partial<RerankRequest>, contextTokens = 99) {
  const all = { query: "q", documents: ["d"], documentsField: "documents", cuts: false };
  const { signal } = new AbortController();
  return encodePairs({ ...all, ...request }, tokenizer, { contextTokens, pieces, signal });
}

async function written(...args: Parameters<typeof encode>): Promise<readonly string[]> {
  const pairs = await encode(...args);
  return pairs.map((pair) =>
    pair.map((token) => AROUND.get(token) ?? String.fromCodePoint(token)).join(""),
  );
}

const plain = plainPair({ bos: 1, eos: 2, sep: 3 });

test("a pair has the tokens around it that the model wants", async () => {
  assert.deepEqual(await written(plain, { documents: ["one", ""] }), [
    "<bos>q<eos><sep>one<eos>",
    "<bos>q<eos><sep><eos>",
  ]);
  const bert = plainPair({ bos: 1, eos: undefined, sep: 3 });
  assert.deepEqual(await written(bert, {}), ["<bos>q<sep>d"]);
});

test("a template's control tokens are tokens, and neither text's are, nor are their places", async () => {
  const pieces = templatePair("<bos>Q: {query}<|a.b|>D: {document}!<eos>", CONTROL);
  const [pair = []] = await encode(pieces, { query: "<eos>{document}", documents: ["{query}"] });
  assert.deepEqual(
    pair.filter((token) => AROUND.has(token)),
    [1, 4, 2],
  );
  assert.deepEqual(await written(pieces, { query: "{document}", documents: ["{query}"] }), [
    "<bos>Q: {document}<|a.b|>D: {query}!<eos>",
  ]);
});

test("a document is cut where there is no room, or behind so many of its tokens", async () => {
  const documents = ["123456789", "12"];
  assert.deepEqual(await written(plain, { documents, cuts: true }, 10), [
    "<bos>q<eos><sep>12345<eos>",
    "<bos>q<eos><sep>12<eos>",
  ]);
  assert.deepEqual(await written(plain, { documents, cuts: true, documentTokens: 3 }, 10), [
    "<bos>q<eos><sep>123<eos>",
    "<bos>q<eos><sep>12<eos>",
  ]);
  const pieces = templatePair("{query}: {document}!<eos>", CONTROL);
  assert.deepEqual(await written(pieces, { documents, cuts: true }, 10), [
    "q: 12345!<eos>",
    "q: 12!<eos>",
  ]);
});

for (const [name, request, field] of [
  ["a document", { documents: ["1", "123456"] }, "documents[1]"],
  ["a text", { documents: ["1", "123456"], documentsField: "texts" }, "texts[1]"],
  ["a query that leaves no room", { query: "123456", cuts: true }, "query"],
] as const) {
  test(`${name} that is too long is refused by its name`, async () => {
    await assert.rejects(
      encode(plain, request, 10),
      (error) =>
        error instanceof Failure &&
        error.field === field &&
        error.code === "context_length_exceeded",
    );
  });
}

test("a template without one place for the document is refused", async () => {
  for (const template of ["{query}", "{query}{document}{document}", "{document}<eos>{document}"]) {
    await assert.rejects(
      encode(templatePair(template, CONTROL), {}),
      (error) => error instanceof Failure && error.code === "model_not_capable",
    );
  }
});
