/**
 * The way of a request that generates, the same for chats and bare completions:
 *
 *   parse -> which model -> loaded? -> able? -> admit -> generate -> one answer, or chunks of it
 */
import { TENANT_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { type AnswerHead, newId } from "@localmodel/openai/answer.ts";
import { codeOf } from "@localmodel/inference/failure.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import { spanOf } from "@localmodel/service/server-span.ts";
import { withinSync } from "@localmodel/telemetry/span.ts";
import type { Request as Req, RequestHandler, Response as Res } from "express";
import { reportIgnored, sendJson } from "../http/api-headers.ts";
import { loadedModel } from "../http/availability.ts";
import { gather, type Outcome } from "../reading/outcome.ts";
import { patienceSeconds } from "@localmodel/service/patience.ts";
import type { ResolveContext } from "../resolve/chat.ts";
import { requireCapability, requireModel } from "../resolve/model.ts";
import { MeasuredGeneration } from "../watching/metrics/measured-generation.ts";
import { generateObserved } from "../watching/observed-generation.ts";
import { aboutRequest, observation } from "../watching/prompt-log/observe.ts";
import { withRunningUsage } from "../http/running-usage.ts";
import type { Serving } from "../serving.ts";
import { streamEvents } from "../http/stream-events.ts";
import { generationSpan } from "../watching/tracing/generation-span.ts";
import { reportUsage } from "../http/usage-report.ts";
import { whileConnected } from "../http/while-connected.ts";

/** What every request that generates may say, whatever its endpoint. */
type Generating = {
  readonly model?: string;
  readonly stream?: boolean;
  readonly stream_options?: {
    readonly include_usage?: boolean;
    readonly continuous_usage_stats?: boolean;
  };
};

type IdPrefix = Parameters<typeof newId>[0];

/** What is different between the endpoints. */
export type GenerationForm<Request extends Generating> = {
  readonly capability: "chat" | "completions";
  /** As the conventions for generative AI call it. */
  readonly operation: "chat" | "text_completion";
  readonly idPrefix: IdPrefix;
  readonly parse: (body: unknown) => {
    readonly request: Request;
    readonly ignored: readonly string[];
  };
  readonly resolve: (request: Request, context: ResolveContext) => GenerateRequest;
  /** The wire's form of an event; nothing for one that is none of the client's business. */
  readonly toChunk: (
    head: AnswerHead,
    includeUsage: boolean,
  ) => (event: GenerateEvent) => object | undefined;
  readonly answer: (head: AnswerHead, outcome: Outcome, request: Request) => object;
};

export function generationRoute<Request extends Generating>(
  serving: Serving,
  form: GenerationForm<Request>,
): RequestHandler {
  const { admission, config, engine, genAi, log, metrics, promptLog } = serving;
  const understand = (req: Req, res: Res) => {
    const { request, ignored } = form.parse(req.body);
    reportIgnored(res, ignored);
    const served = requireModel(request.model, config);
    const facts = loadedModel(engine.state);
    requireCapability(form.capability, facts, served.modelId);
    const tenant = req.get(TENANT_HEADER) ?? "";
    const { modelId, adapter } = served;
    const generation = {
      ...form.resolve(request, { config, facts, tenant }),
      ...(adapter !== undefined && { adapter }),
    };
    return { request, facts, generation, modelId };
  };
  return whileConnected(log, async (req, res, gone) => {
    const span = spanOf(res);
    const { request, facts, generation, modelId } = withinSync(span, "validate", {
      act: () => understand(req, res),
      errorTypeOf: codeOf,
    });
    using _place = admission.admit(patienceSeconds(req, request));
    const about = aboutRequest(req, res, modelId);
    const head = answerHead(form.idPrefix, modelId, facts.fingerprint);
    const named = {
      ...genAi.forModel({ ...config, modelId }),
      operation: form.operation,
      requestModel: request.model || modelId,
    };
    const observers = [
      observation(promptLog, generation, about),
      generationSpan(span, generation, { ...named, head, stream: request.stream === true }),
      metrics && new MeasuredGeneration(metrics, generation, { ...named, span }),
    ];
    const events = generateObserved(engine, generation, observers, gone);
    if (request.stream === true) {
      const { include_usage = false, continuous_usage_stats = false } =
        request.stream_options ?? {};
      const chunk = form.toChunk(head, include_usage);
      const running = include_usage && continuous_usage_stats;
      await streamEvents(res, events, {
        ...serving,
        toChunk: running ? withRunningUsage(chunk, generation) : chunk,
      });
    } else {
      const outcome = await gather(events);
      reportUsage(res, outcome.usage);
      sendJson(res, form.answer(head, outcome, request));
    }
  });
}

function answerHead(idPrefix: IdPrefix, model: string, fingerprint: string): AnswerHead {
  const created = Math.floor(Date.now() / 1000);
  return { id: newId(idPrefix), created, model, fingerprint };
}
