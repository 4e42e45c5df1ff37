/**
 * POST /v1/rerank, and where clients of other servers look for it. The form of the documents says whose client it is: `texts`
 * are answered with a list, as text-embeddings-inference does, `documents` with an object, as Jina and Cohere do.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { AnswerHead, Understood, Wire } from "@localmodel/inference/wire.ts";
import type { RerankEvent } from "@localmodel/inference/rerank.ts";
import { RERANK, RERANK_BARE, RERANK_V2 } from "../endpoints.ts";
import { rankedDocuments, type RankedDocument } from "./documents.ts";
import { parseRerankRequest, type RerankBody } from "./rerank-request.ts";

/** What a request means that does not say so. */
type Defaults = {
  readonly returnsDocuments: boolean;
  /** Absent: documents are not cut. */
  readonly documentTokens?: number;
};

/** Jina's. Whoever knows only Cohere's or llama.cpp's answers has one field more. */
const JINA: Defaults = { returnsDocuments: true };
const COHERE_V2: Defaults = { returnsDocuments: false, documentTokens: 4096 };

const DEFAULTS: readonly (readonly [Endpoint<"rerank">, Defaults])[] = [
  [RERANK, JINA],
  [RERANK_BARE, JINA],
  [RERANK_V2, COHERE_V2],
];

export const rerankWires: readonly Wire<"rerank">[] = DEFAULTS.map(([endpoint, defaults]) => ({
  endpoint,
  understand: (body) => understand(body, defaults),
}));

function understand(body: unknown, defaults: Defaults): Understood<"rerank"> {
  const { request, ignored } = parseRerankRequest(body);
  const { model, query, texts, truncate, rank_fields: rankFields = [] } = request;
  const { max_tokens_per_doc: documentTokens = defaults.documentTokens } = request;
  const field = texts === undefined ? "documents" : "texts";
  const documents = rankedDocuments(request[field] ?? [], { field, rankFields });
  return {
    model,
    ask: {
      query,
      documents: documents.map(({ text }) => text),
      documentsField: field,
      cuts: truncate ?? documentTokens !== undefined,
      ...(documentTokens !== undefined && { documentTokens }),
    },
    ignored,
    idPrefix: "rerank-",
    answer: (head, events) => {
      const ranked = rankedBy(scoresIn(events)).slice(0, request.top_n);
      return field === "texts"
        ? ranked.map((one) => listed(one, documents, request))
        : ranking(head, events, {
            ranked,
            documents: (request.return_documents ?? defaults.returnsDocuments) ? documents : [],
          });
    },
  };
}

type Ranked = { readonly index: number; readonly score: number };

function scoresIn(events: readonly RerankEvent[]): readonly number[] {
  return events.flatMap((event) => (event.type === "scores" ? event.scores : []));
}

/** The best first; equal ones stay in order. */
function rankedBy(scores: readonly number[]): readonly Ranked[] {
  return scores
    .map((score, index) => ({ index, score }))
    .toSorted((one, other) => other.score - one.score);
}

function listed(
  { index, score }: Ranked,
  documents: readonly RankedDocument[],
  { raw_scores: raw = false, return_text, return_documents }: RerankBody,
): object {
  return {
    index,
    score: raw ? score : sigmoid(score),
    ...((return_text ?? return_documents) === true && { text: documents[index]?.text }),
  };
}

function sigmoid(score: number): number {
  return 1 / (1 + Math.exp(-score));
}

type Told = {
  readonly ranked: readonly Ranked[];
  /** None: they are not given back. */
  readonly documents: readonly RankedDocument[];
};

function ranking(
  { id, model }: AnswerHead,
  events: readonly RerankEvent[],
  { ranked, documents }: Told,
): object {
  const tokens = events.find((event) => event.type === "done")?.usage.promptTokens ?? 0;
  return {
    id,
    object: "list",
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    results: ranked.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(documents.length > 0 && { document: documents[index]?.given }),
    })),
  };
}
