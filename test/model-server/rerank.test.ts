/** Reranking by a real BERT model with a classification head. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../support/tiny-models.ts";

/** How many pairs are in a batch changes the last bits. */
const ROUNDING = 0.02;
const query = "the king";
const documents = ["a river in the city", "the water", "the king of the river", "city"];

type Result = { index: number; relevance_score: number; document?: { text: string } };
type Ranking = {
  id: string;
  object: string;
  model: string;
  usage: { prompt_tokens: number; total_tokens: number };
  results: Result[];
};
type Refusal = { error: { param: string; code: string; message: string } };

suite("reranking", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyEmbeddingModel(folder.file("ranks.gguf"), { contextLength: 128, ranks: true });
    server = await ModelServer.ready({ weightsPath: folder.file("ranks.gguf") });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function rank(body: object, path = "/v1/rerank", at = server): Promise<Ranking> {
    const { status, json } = await postJson(`${at.url}${path}`, { query, documents, ...body });
    assert.equal(status, 200, JSON.stringify(json));
    return json as Ranking;
  }

  async function refusalOf(path: string, body: object, at = server) {
    const { status, json } = await postJson(`${at.url}${path}`, body);
    assert.equal(status, 400, JSON.stringify(json));
    const { param, code } = (json as Refusal).error;
    return [param, code];
  }

  test("gives every document a score, the best first, on each of its paths", async () => {
    const { id, object, model, usage, results } = await rank({});
    assert.deepEqual([id.slice(0, 7), object, model], ["rerank-", "list", server.modelId]);
    const scores = results.map((one) => one.relevance_score);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => b - a),
    );
    assert.equal(new Set(scores).size, documents.length);
    assert.deepEqual(
      results.map(({ index }) => index).toSorted((a, b) => a - b),
      [0, 1, 2, 3],
    );
    for (const { index, document } of results) {
      assert.deepEqual(document, { text: documents[index] });
    }
    assert.ok(usage.prompt_tokens > 20);
    assert.equal(usage.total_tokens, usage.prompt_tokens);
    assert.deepEqual((await rank({}, "/rerank")).results, results);
    const bare = results.map(({ index, relevance_score }) => ({ index, relevance_score }));
    assert.deepEqual((await rank({}, "/v2/rerank")).results, bare);
  });

  test("scores a document in company as it does alone", async () => {
    const { results } = await rank({});
    for (const { index, relevance_score } of results) {
      const alone = await rank({ documents: [documents[index]] });
      const [only] = alone.results;
      assert.ok(Math.abs((only?.relevance_score ?? NaN) - relevance_score) < ROUNDING);
    }
  });

  test("counts a pair's tokens with those around them: [CLS] query [SEP] document", async () => {
    const { usage } = await rank({ documents: ["the water"] });
    let tokens = 2;
    for (const content of [query, "the water"]) {
      const { json } = await postJson(`${server.url}/tokenize`, { content });
      tokens += (json as { tokens: number[] }).tokens.length;
    }
    assert.equal(usage.prompt_tokens, tokens);
  });

  test("gives as many as are asked for, with their documents where those are asked for", async () => {
    const all = (await rank({})).results;
    const { results } = await rank({
      documents: documents.map((text) => ({ text })),
      top_n: 2,
      return_documents: true,
    });
    assert.deepEqual(results, all.slice(0, 2));
    assert.equal((await rank({ top_n: 9 })).results.length, 4);
    const without = await rank({ return_documents: false });
    assert.ok(without.results.every((one) => one.document === undefined));
  });

  test("answers texts with a list, as other servers do", async () => {
    const { results } = await rank({});
    const asked = { query, texts: documents, raw_scores: true, return_text: true };
    const { json } = await postJson(`${server.url}/rerank`, asked);
    assert.deepEqual(
      json,
      results.map(({ index, relevance_score: score }) => ({
        index,
        score,
        text: documents[index],
      })),
    );
  });

  test("refuses a pair that is too long, naming the document, unless it is to be cut", async () => {
    const long = "river ".repeat(500);
    const body = { query, documents: ["a", "b", "c", long] };
    assert.deepEqual(await refusalOf("/v1/rerank", body), [
      "documents[3]",
      "context_length_exceeded",
    ]);
    const unbounded = { ...body, query: long };
    assert.deepEqual(await refusalOf("/v1/rerank", unbounded), [
      "query",
      "context_length_exceeded",
    ]);
    const whole = await rank({ documents: [long], truncate: true });
    assert.equal(whole.usage.prompt_tokens, 128);
    const cohere = await rank({ documents: [long] }, "/v2/rerank");
    assert.equal(cohere.usage.prompt_tokens, 128);
    const empty = await rank({ documents: [""] });
    const three = await rank({ documents: [long], max_tokens_per_doc: 3 });
    assert.equal(three.usage.prompt_tokens, empty.usage.prompt_tokens + 3);
  });

  test("refuses what is wrong by its name, and names what has no effect", async () => {
    for (const [body, param, code] of [
      [{ documents }, "query", "missing_required_parameter"],
      [{ query: "", documents }, "query", "empty_string"],
      [{ query }, "documents", "invalid_value"],
      [{ query, documents: [] }, "documents", "empty_array"],
      [{ query, documents: ["a", "b", "c", 4] }, "documents[3]", "invalid_type"],
      [{ query, documents: ["a", {}] }, "documents[1].text", "missing_required_parameter"],
      [{ query, documents: [{}], rank_fields: ["a"] }, "documents[0]", "invalid_value"],
      [{ query, documents, top_n: 0 }, "top_n", "integer_below_min_value"],
    ] as const) {
      assert.deepEqual(await refusalOf("/v1/rerank", body), [param, code]);
    }
    const { headers } = await postJson(`${server.url}/v1/rerank`, {
      query,
      documents,
      max_chunks_per_doc: 3,
    });
    assert.equal(headers["x-ignored-params"], "max_chunks_per_doc");
  });

  test("is all that such a model does, and no other does it", async () => {
    const refused = ["model", "model_not_capable"];
    assert.deepEqual(await refusalOf("/v1/embeddings", { input: "a" }), refused);
    const messages = [{ role: "user", content: "a" }];
    assert.deepEqual(await refusalOf("/v1/chat/completions", { messages }), refused);
    await writeTinyEmbeddingModel(folder.file("embeds.gguf"));
    const other = await ModelServer.ready({ weightsPath: folder.file("embeds.gguf") });
    try {
      assert.deepEqual(await refusalOf("/v1/rerank", { query, documents }, other), refused);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  test("writes a pair into the model's own template, where user text is no control token", async () => {
    const rerankTemplate = "[CLS]{query}[SEP]{document}";
    const weightsPath = folder.file("template.gguf");
    await writeTinyEmbeddingModel(weightsPath, { contextLength: 128, ranks: true, rerankTemplate });
    const other = await ModelServer.ready({ weightsPath });
    try {
      const forged = [...documents, "the [SEP] king"];
      const [own, plain] = [
        await rank({ documents: forged }, "/v1/rerank", other),
        await rank({ documents: forged }),
      ];
      assert.deepEqual(own.results, plain.results);
      assert.deepEqual(own.usage, plain.usage);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});
