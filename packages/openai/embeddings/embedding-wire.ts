/** POST /v1/embeddings. */
import type { Understood, Wire } from "@localmodel/inference/wire.ts";
import { EMBEDDINGS } from "../endpoints.ts";
import { embeddingResponse, shortened } from "./embedding-answer.ts";
import { parseEmbeddingRequest, truncationOf } from "./embedding-request.ts";

export const embeddingWire: Wire<"embed"> = { endpoint: EMBEDDINGS, understand };

function understand(body: unknown): Understood<"embed"> {
  const { request, ignored } = parseEmbeddingRequest(body);
  const { model, input, dimensions, encoding_format: encoding = "float" } = request;
  return {
    model,
    ask: { inputs: input, dimensions, truncation: truncationOf(request) },
    ignored,
    idPrefix: "embd-",
    answer: ({ model: answering }, events) => {
      const vectors = events.flatMap((event) => (event.type === "vectors" ? event.vectors : []));
      const usage = events.find((event) => event.type === "done")?.usage;
      return embeddingResponse({
        model: answering,
        vectors: vectors.map((vector) => shortened(vector, dimensions ?? vector.length)),
        promptTokens: usage?.promptTokens ?? 0,
        encoding,
      });
    },
  };
}
