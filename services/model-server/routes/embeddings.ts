/** POST /v1/embeddings */
import { embeddingResponse, shortened } from "@localmodel/openai/embedding-answer.ts";
import { parseEmbeddingRequest } from "@localmodel/openai/embedding-request.ts";
import { invalidRequest } from "@localmodel/openai/errors.ts";
import type { RequestHandler } from "express";
import { reportIgnored, sendJson } from "../api-headers.ts";
import { loadedModel } from "../availability.ts";
import { patienceSeconds } from "@localmodel/service/patience.ts";
import { requireCapability, requireModel } from "../resolve-model.ts";
import { requireValidTokens } from "../resolve-tokens.ts";
import type { Serving } from "../serving.ts";
import { reportUsage } from "../usage-report.ts";
import { whileConnected } from "../while-connected.ts";

export function embeddings({ admission, config, engine, log }: Serving): RequestHandler {
  return whileConnected(log, async (req, res, gone) => {
    const { request, ignored } = parseEmbeddingRequest(req.body);
    reportIgnored(res, ignored);
    requireModel(request.model, config);
    const facts = loadedModel(engine.state);
    requireCapability("embeddings", facts, config.modelId);
    requireValidTokens(request.input, "input", facts);
    const dimensions = resolveDimensions(request.dimensions, facts.embeddingDimensions);

    using _place = admission.admit(patienceSeconds(req, {}));
    const { vectors, promptTokens } = await engine.embed({ inputs: request.input }, gone);
    reportUsage(res, { promptTokens, completionTokens: 0 });
    sendJson(
      res,
      embeddingResponse({
        model: config.modelId,
        vectors: vectors.map((vector) => shortened(vector, dimensions)),
        promptTokens,
        encoding: request.encoding_format ?? "float",
      }),
    );
  });
}

function resolveDimensions(requested: number | undefined, available: number): number {
  const dimensions = requested ?? available;
  if (dimensions <= available) return dimensions;
  throw invalidRequest(
    "dimensions",
    `Invalid 'dimensions': this model's embeddings have ${available} dimensions, but ${dimensions} were requested.`,
    "integer_above_max_value",
  );
}
