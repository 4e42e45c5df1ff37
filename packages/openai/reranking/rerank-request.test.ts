import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Failure } from "@localmodel/inference/failure.ts";
import { parseRerankRequest } from "./rerank-request.ts";
import { rerankWires } from "./rerank-wire.ts";

const text = fc.string({ unit: "grapheme" });

test("documents are texts, in order, however they are written", () => {
  const documents = fc.array(fc.tuple(text, fc.boolean()), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(documents, fc.constantFrom("documents", "texts"), (some, field) => {
      const sent = some.map(([one, wrapped]) => (wrapped ? { text: one } : one));
      const { request, ignored } = parseRerankRequest({ query: "q", [field]: sent, other: 1 });
      assert.deepEqual(
        request.documents ?? request.texts,
        some.map(([one]) => one.toWellFormed()),
      );
      assert.deepEqual(ignored, ["other"]);
    }),
  );
});

test("any body is a request or a refusal", () => {
  const body = fc.record(
    {
      query: fc.oneof(text, fc.anything()),
      documents: fc.oneof(fc.array(text), fc.anything()),
      texts: fc.anything(),
      top_n: fc.anything(),
      return_documents: fc.anything(),
      max_tokens_per_doc: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, (one) => {
      try {
        const { request } = parseRerankRequest(one);
        assert.notEqual(request.query, "");
        assert.ok((request.documents ?? request.texts ?? []).length > 0);
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
        assert.equal(error.status, 400);
      }
    }),
  );
});

test("results are the best so many, and equal ones stay in order", () => {
  const head = { id: "rerank-1", created: 0, model: "m", fingerprint: "" };
  const usage = { promptTokens: 7, completionTokens: 0, cachedTokens: 0 };
  const scored = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(scored, fc.integer({ min: 1, max: 40 }), (scores, top_n) => {
      const body = { query: "q", documents: scores.map(String), top_n, return_documents: true };
      const answer = rerankWires[0]?.understand(body).answer(head, [
        { type: "accepted", promptTokens: 7 },
        { type: "scores", scores },
        { type: "done", usage },
      ]) as { results: { index: number; relevance_score: number; document: { text: string } }[] };
      assert.equal(answer.results.length, Math.min(top_n, scores.length));
      for (const [at, { index, relevance_score, document }] of answer.results.entries()) {
        assert.deepEqual([relevance_score, document.text], [scores[index], String(scores[index])]);
        const before = answer.results[at - 1];
        if (before === undefined) continue;
        const inOrder = before.relevance_score > relevance_score || before.index < index;
        assert.ok(before.relevance_score >= relevance_score && inOrder);
      }
    }),
  );
});
