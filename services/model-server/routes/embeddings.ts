/** POST /v1/embeddings */
import { embeddingResponse, shortened } from "@localmodel/openai/embedding-answer.ts";
import { parseEmbeddingRequest } from "@localmodel/openai/embedding-request.ts";
import { codeOf } from "@localmodel/inference/failure.ts";
import { invalidRequest, modelNotCapable } from "@localmodel/inference/refusals.ts";
import { spanOf } from "@localmodel/service/server-span.ts";
import { withinSync } from "@localmodel/telemetry/span.ts";
import type { Request, RequestHandler, Response } from "express";
import { reportIgnored, sendJson } from "../http/api-headers.ts";
import type { EmbedResult } from "../engine/contract.ts";
import { loadedModel } from "../http/availability.ts";
import { patienceSeconds } from "@localmodel/service/patience.ts";
import { requireCapability, requireModel } from "../resolve/model.ts";
import { requireValidTokens } from "../resolve/tokens.ts";
import type { Serving } from "../serving.ts";
import { embedMeasured } from "../watching/metrics/measured-embedding.ts";
import { measured } from "../watching/metrics/server-metrics.ts";
import { embedLogged } from "../watching/prompt-log/embedding-log.ts";
import { aboutRequest } from "../watching/prompt-log/observe.ts";
import { embedTraced } from "../watching/tracing/embedding-span.ts";
import { reportUsage } from "../http/usage-report.ts";
import { whileConnected } from "../http/while-connected.ts";

export function embeddings(serving: Serving): RequestHandler {
  const { admission, config, engine, genAi, log, metrics, promptLog } = serving;
  const understand = (req: Request, res: Response) => {
    const { request, ignored } = parseEmbeddingRequest(req.body);
    reportIgnored(res, ignored);
    const { adapter } = requireModel(request.model, config);
    if (adapter !== undefined) {
      throw modelNotCapable(`The adapter \`${adapter}\` does not support embeddings.`);
    }
    const facts = loadedModel(engine.state);
    requireCapability("embeddings", facts, config.modelId);
    requireValidTokens(request.input, facts);
    const dimensions = resolveDimensions(request.dimensions, facts.embeddingDimensions);
    return { request, dimensions };
  };
  return whileConnected(log, async (req, res, gone) => {
    const span = spanOf(res);
    const { request, dimensions } = withinSync(span, "validate", {
      act: () => understand(req, res),
      errorTypeOf: codeOf,
    });
    using _place = admission.admit(patienceSeconds(req, {}));
    const about = {
      ...genAi.forModel(config),
      operation: "embeddings",
      requestModel: request.model || config.modelId,
    } as const;
    const embed = (): Promise<EmbedResult> =>
      embedTraced(span, about, {
        signal: gone,
        embed: (times) => engine.embed({ inputs: request.input, ...times }, gone),
      });
    const logged = (): Promise<EmbedResult> =>
      embedLogged(promptLog, aboutRequest(req, res, config.modelId), {
        inputs: request.input,
        embed,
        signal: gone,
      });
    const { vectors, promptTokens } = await embedMeasured(metrics, measured(about, span), {
      embed: logged,
      signal: gone,
    });
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
