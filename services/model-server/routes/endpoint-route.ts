/**
 * The way of a request to the engine, the same for every endpoint:
 *
 *   understand -> which model -> loaded? -> able? -> resolve -> admit -> decode pictures -> ask the engine
 *     -> one answer, or frames of it
 */
import { randomUUID } from "node:crypto";
import { codeOf } from "@localmodel/inference/failure.ts";
import { type Operation, pair } from "@localmodel/inference/operation.ts";
import type { AnswerHead, Wire } from "@localmodel/inference/wire.ts";
import {
  HEARING_MODELS_HEADER,
  SEEING_MODELS_HEADER,
  TENANT_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";
import { patienceSeconds } from "@localmodel/service/http/patience.ts";
import { requestIdOf } from "@localmodel/service/http/request-id.ts";
import { spanOf } from "@localmodel/service/http/server-span.ts";
import { withinSync } from "@localmodel/telemetry/spans/span.ts";
import type { Request, RequestHandler, Response } from "express";
import { reportIgnored, sendJson } from "../http/api-headers.ts";
import { isServing, loadedModel } from "../http/availability.ts";
import { keeperOf } from "../http/json-body.ts";
import { streamEvents } from "../http/stream-events.ts";
import { reportUsage } from "../http/usage-report.ts";
import { whileConnected } from "../http/while-connected.ts";
import { readingEngine } from "./reading-engine.ts";
import { sentIn, withPictures } from "./with-pictures.ts";
import { wholeAnswer } from "../reading/whole-answer.ts";
import { requireCapability, requireModel } from "../resolve/model.ts";
import { resolve } from "../resolve/resolve.ts";
import type { Serving } from "../serving.ts";
import { askWatched } from "../watching/watcher.ts";

export function endpointRoute<Asked extends Operation>(
  wire: Wire<Asked>,
  serving: Serving,
): RequestHandler {
  const { config, engine, eyes, log, places, sleeper, watches } = serving;
  const { endpoint } = wire;
  const { operation } = endpoint;

  const understand = (req: Request, res: Response) => {
    const understood = wire.understand(req.body, keeperOf(res));
    reportIgnored(res, understood.ignored);
    const served = requireModel(understood.model, config);
    const facts = loadedModel(engine.state);
    requireCapability(endpoint.capability, facts, served.modelId);
    const tenant = req.get(TENANT_HEADER) ?? "";
    const context = {
      config,
      facts,
      served,
      seeing: idsIn(req, SEEING_MODELS_HEADER),
      hearing: idsIn(req, HEARING_MODELS_HEADER),
      tenant,
      requested: understood.model,
    };
    const request = resolve(operation, understood.ask, context);
    return { understood, served, facts, tenant, request };
  };

  return whileConnected(log, async (req, res, gone) => {
    // What has never been loaded has to be, before it is known how a request is meant.
    if (!isServing(engine.state)) await sleeper?.load(gone);
    const span = spanOf(res);
    const {
      understood,
      served,
      facts,
      tenant,
      request: resolved,
    } = withinSync(span, "validate", {
      act: () => understand(req, res),
      errorTypeOf: codeOf,
    });
    const stream = understood.stream !== undefined;
    using _place = places.take(patienceSeconds(req, { stream }));
    using seen = await withPictures(resolved, sentIn(understood.ask, facts), { eyes, span, gone });
    const request = { ...seen.request, ...understood.reports };
    const { modelId } = served;
    const head = answerHead(understood.idPrefix, modelId, facts.fingerprint);
    const asked = {
      ...pair(operation, request),
      endpoint,
      requestModel: understood.model || modelId,
      head,
      stream,
      requestId: requestIdOf(res),
      path: req.path,
      tenant,
      span,
    };
    const watchers = watches.map((watch) => watch(asked)).filter((one) => one !== undefined);
    const reading = readingEngine(engine, facts);
    const events = askWatched(reading, { operation, request, watchers }, gone);
    if (understood.stream !== undefined) {
      await streamEvents(res, events, { ...serving, framesOf: understood.stream(head) });
      return;
    }
    const answer = await wholeAnswer(events);
    reportUsage(res, answer.usage);
    sendJson(res, understood.answer(head, answer.events));
  });
}

function idsIn(req: Request, header: string): readonly string[] {
  return req.get(header)?.split(",") ?? [];
}

function answerHead(idPrefix: string, model: string, fingerprint: string): AnswerHead {
  const created = Math.floor(Date.now() / 1000);
  return { id: idPrefix + randomUUID().replaceAll("-", ""), created, model, fingerprint };
}
