/** POST /v1/rerank, and where clients of other servers look for it. */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { Understood, Wire } from "@localmodel/inference/wire.ts";
import { RERANK, RERANK_BARE, RERANK_V2 } from "../endpoints.ts";
import { parseRerankRequest } from "./rerank-request.ts";

export const rerankWires: readonly Wire<"rerank">[] = [RERANK, RERANK_BARE, RERANK_V2].map(
  (endpoint: Endpoint<"rerank">) => ({ endpoint, understand }),
);

function understand(body: unknown): Understood<"rerank"> {
  const { request, ignored } = parseRerankRequest(body);
  const { model, query, texts, truncate, max_tokens_per_doc: documentTokens } = request;
  const documents = request.documents ?? texts ?? [];
  return {
    model,
    ask: {
      query,
      documents,
      documentsField: texts === undefined ? "documents" : "texts",
      cuts: truncate ?? documentTokens !== undefined,
      ...(documentTokens !== undefined && { documentTokens }),
    },
    ignored,
    idPrefix: "rerank-",
    answer: ({ id, model: answering }, events) => {
      const scores = events.flatMap((event) => (event.type === "scores" ? event.scores : []));
      const tokens = events.find((event) => event.type === "done")?.usage.promptTokens ?? 0;
      const ranked = scores
        .map((relevance_score, index) => ({
          index,
          relevance_score,
          ...(request.return_documents === true && { document: { text: documents[index] } }),
        }))
        .toSorted((a, b) => b.relevance_score - a.relevance_score);
      return {
        id,
        object: "list",
        model: answering,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
        results: ranked.slice(0, request.top_n),
      };
    },
  };
}
