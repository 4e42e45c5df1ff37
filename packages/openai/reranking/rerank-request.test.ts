import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { RerankEvent } from "@localmodel/inference/rerank.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import { rerankWires } from "./rerank-wire.ts";

const text = fc.string({ unit: "grapheme" });
const [jina, , cohere] = rerankWires;

function understand(body: object, wire = jina) {
  assert.ok(wire !== undefined);
  return wire.understand(body);
}

test("documents are texts, in order, however they are written", () => {
  const documents = fc.array(fc.tuple(text, fc.boolean()), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(documents, fc.constantFrom("documents", "texts"), (some, field) => {
      const sent = some.map(([one, wrapped]) => (wrapped ? { text: one } : one));
      const { ask, ignored } = understand({ query: "q", [field]: sent, other: 1 });
      assert.deepEqual(
        ask.documents,
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
      rank_fields: fc.oneof(fc.array(text), fc.anything()),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, (one) => {
      try {
        const { ask } = understand(one);
        assert.notEqual(ask.query, "");
        assert.ok(ask.documents.length > 0);
        for (const document of ask.documents) assert.equal(typeof document, "string");
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
        assert.equal(error.status, 400);
      }
    }),
  );
});

const head = { id: "rerank-1", created: 0, model: "m", fingerprint: "" };
const usage = { promptTokens: 7, completionTokens: 0, cachedTokens: 0 };

const scored = (...scores: readonly number[]): readonly RerankEvent[] => [
  { type: "accepted", promptTokens: 7 },
  { type: "scores", scores },
  { type: "done", usage },
];

test("results are the best so many, and equal ones stay in order", () => {
  const scorings = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(scorings, fc.integer({ min: 1, max: 40 }), (scores, top_n) => {
      const body = { query: "q", documents: scores.map(String), top_n, return_documents: true };
      const answer = understand(body).answer(head, scored(...scores)) as {
        results: { index: number; relevance_score: number; document: { text: string } }[];
      };
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

const sigmoid = (score: number) => 1 / (1 + Math.exp(-score));

test("texts are answered by a list, its scores between 0 and 1 unless they are to be raw", () => {
  const texts = ["a", "b"];
  for (const [more, expected] of [
    [{}, [{ score: sigmoid(3) }, { score: sigmoid(-1) }]],
    [{ raw_scores: true }, [{ score: 3 }, { score: -1 }]],
    [{ raw_scores: true, top_n: 1, return_text: true }, [{ score: 3, text: "b" }]],
  ] as const) {
    const answer = understand({ query: "q", texts, ...more }).answer(head, scored(-1, 3));
    const indexed = expected.map((one, at) => ({ index: 1 - at, ...one }));
    assert.deepEqual(answer, indexed);
  }
});

test("fields that are named are read as lines, in their order, with and without a text", () => {
  const documents = [
    { text: "T", title: "A", year: 1999, tags: ["x"], none: null },
    { title: "B", other: "C" },
    "plain",
  ];
  const rank_fields = ["title", "year", "tags", "none"];
  const { ask, answer } = understand({ query: "q", documents, rank_fields });
  assert.deepEqual(ask.documents, ['title: A\nyear: 1999\ntags: ["x"]', "title: B", "plain"]);
  const { results } = answer(head, scored(1, 3, 2)) as { results: { document: object }[] };
  assert.deepEqual(
    results.map(({ document }) => document),
    [documents[1], { text: "plain" }, documents[0]],
  );
  const one = understand({ query: "q", documents: documents.slice(0, 1), rank_fields: ["text"] });
  assert.deepEqual(one.ask.documents, ["T"]);
});

for (const [what, body, field] of [
  ["no text", { documents: ["a", { title: "b" }] }, "documents[1].text"],
  ["a text that is none", { documents: [{ text: 1 }] }, "documents[0].text"],
  ["none of its fields", { documents: [{ a: "b" }], rank_fields: ["c"] }, "documents[0]"],
  ["another end to lose", { texts: ["a"], truncation_direction: "Left" }, "truncation_direction"],
] as const) {
  test(`a document with ${what} is refused by name`, () => {
    assert.throws(
      () => understand({ query: "q", ...body }),
      (thrown) => thrown instanceof Failure && thrown.status === 400 && thrown.data.field === field,
    );
  });
}

test("Cohere's newer form cuts documents by itself and gives none back, others do not", () => {
  const body = { query: "q", documents: ["a"] };
  const asked = ({ ask: { cuts, documentTokens } }: ReturnType<typeof understand>) => {
    return [cuts, documentTokens];
  };
  assert.deepEqual(asked(understand(body)), [false, undefined]);
  assert.deepEqual(asked(understand(body, cohere)), [true, 4096]);
  assert.deepEqual(asked(understand({ ...body, max_tokens_per_doc: 7 }, cohere)), [true, 7]);
  for (const [wire, given] of [
    [jina, true],
    [cohere, false],
  ] as const) {
    const { results } = understand(body, wire).answer(head, scored(1)) as { results: object[] };
    assert.equal("document" in (results[0] ?? {}), given);
  }
});
