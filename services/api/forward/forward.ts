/**
 * One request on its way: admit, pick, send, and either stream the answer back or try again.
 *
 * Only what no server has answered is tried again, so that no token is ever sent twice:
 *
 *   1. no connection, or one that ended before the head of an answer: another endpoint, or the same if
 *      there is only one
 *   2. a 503: another endpoint that has not been asked; if there is none, the 503 is the answer
 *   3. any other head: it is the answer, and what breaks from here on is told inside it
 *
 * The model is looked up anew for each attempt: a model server that crashed may be back elsewhere. If it has
 * no endpoint left, the request waits for one as if it had just come.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import {
  EARLIER_BYTES_HEADER,
  REFERENCED_BYTES_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";
import { SERVER_KEY_HEADER } from "@localmodel/localmodel/contracts/server-key.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { exchangeOf } from "@localmodel/service/http/exchange.ts";
import { patienceSeconds } from "@localmodel/service/http/patience.ts";
import { logFieldsOf, markFailed } from "@localmodel/service/http/server-span.ts";
import type { Request, RequestHandler, Response } from "express";
import type { Admission } from "../admission/admission.ts";
import { isNearlyThere } from "../admission/capacity.ts";
import type { DemandBook } from "../admission/demand.ts";
import { Attempts, RETRY_DELAY_MS } from "./attempts.ts";
import type { Balancer, Lease } from "../balancing/balancer.ts";
import { promptChain } from "../balancing/prompt-chain.ts";
import { upstreamHeaders } from "../upstream/upstream-headers.ts";
import { endInStream } from "../answer/broken-stream.ts";
import { Journey } from "./journey.ts";
import type { ApiMetrics } from "../metrics/api-metrics.ts";
import { keeperFor } from "../kept/keeping.ts";
import type { AnswerStore } from "../kept/answer-store.ts";
import type { ModelDirectory } from "../directory/model-directory.ts";
import { ClientGone, type OpenRequest, type OpenRequests } from "../upstream/open-requests.ts";
import type { Reference } from "../request/reference.ts";
import { contextOf, note, tenantOf } from "../request/context.ts";
import { type KeeperOf, relay } from "../answer/relay.ts";
import { ableModelsHeaders } from "../keys/able-models.ts";
import { findModel } from "../directory/find-model.ts";
import { clientFailureOf, failureType, UpstreamFailure } from "../upstream/upstream-failure.ts";
import { failureOfStatus } from "../upstream/statuses.ts";
import type { ServerKeys } from "../upstream/server-keys.ts";
import type { Upstream, UpstreamRequest } from "../upstream/upstream.ts";
import { tellingFor, waitingIntervalMs, WaitingStream, waits } from "../answer/waiting-stream.ts";

type ForwardOptions = {
  readonly directory: ModelDirectory;
  readonly upstream: Upstream;
  readonly requests: OpenRequests;
  readonly serverKeys?: ServerKeys;
  readonly log: Logger;
  /** Where answers are kept. Absent: they are not. */
  readonly kept?: AnswerStore;
  readonly admission: Admission;
  readonly demand: DemandBook;
  readonly balancer: Balancer;
  /** Longest silence of a stream that waits. Proxies commonly cut at 60 seconds. */
  readonly keepAliveMs?: number;
  readonly metrics?: ApiMetrics | undefined;
};

const KEEP_ALIVE_MS = 15_000;

type Call = {
  /** The model's name. */
  readonly asked: string | undefined;
  readonly reference: Reference;
  readonly request: Omit<UpstreamRequest, "body">;
  readonly req: Request;
  readonly res: Response;
  readonly open: OpenRequest;
  readonly journey: Journey;
};

type Attempting = {
  readonly model: DirectoryModel;
  readonly lease: Lease;
  readonly attempts: Attempts;
};

export function forward(options: ForwardOptions): RequestHandler {
  const forwarder = new Forwarder(options);
  return async (req, res) => {
    using open = options.requests.begin(res);
    const { reference, modelId } = contextOf(res);
    if (reference === undefined) throw new Error("A request is forwarded before it was read.");
    const { model } = reference;
    const headers = upstreamHeaders(req, res);
    const { earlier } = reference;
    if (earlier !== undefined) Object.assign(headers, headersOf(earlier));
    const request = { path: req.path, headers };
    const journey = new Journey(res, options.metrics);
    const asked = modelId ?? model;
    try {
      await forwarder.deliver({ asked, reference, request, req, res, open, journey });
    } catch (thrown) {
      if (open.reason instanceof ClientGone) return;
      if (!res.headersSent) throw clientFailureOf(open.reason ?? thrown);
      note(res, { outcome: "broken" });
      markFailed(res, failureType(open.reason ?? thrown));
      if (!res.writableEnded && !res.destroyed) endInStream(res, open.reason ?? thrown);
      options.log.warn("a stream broke", { ...logFieldsOf(res), error: String(thrown) });
    }
  };
}

class Forwarder {
  readonly #options: ForwardOptions;
  readonly #admission: Admission;
  readonly #balancer: Balancer;

  constructor(options: ForwardOptions) {
    this.#options = options;
    const { directory, admission, balancer, metrics } = options;
    this.#admission = admission;
    this.#balancer = balancer;
    metrics?.observe(directory, this.#admission);
  }

  async deliver(call: Call): Promise<void> {
    const attempts = new Attempts();
    let delivered = false;
    while (!delivered) {
      const model = call.journey.route(call.asked, (id) => this.#find(id));
      note(call.res, { model: model.id });
      using _asked = this.#options.demand.ask(model, call.reference.keepAliveSeconds);
      const waiting = this.#admission.waiting(model.id);
      using _place = await call.journey.queue(model, waiting, (watch) =>
        this.#admit(model, call, watch),
      );
      delivered = await this.#tryEndpoints(call, attempts);
    }
  }

  /** With the key that this model's servers know the service by, and what only the service knows of others. */
  #requestTo(model: DirectoryModel, { request, reference, res }: Call): UpstreamRequest {
    const { directory, serverKeys } = this.#options;
    const body = wholeBody(reference);
    const key = serverKeys?.(model);
    const headers = {
      ...request.headers,
      ...(key !== undefined && { [SERVER_KEY_HEADER]: key }),
      ...ableModelsHeaders(res, model, directory.current()),
    };
    return { ...request, headers, body };
  }

  #keeperFor(call: Call, model: DirectoryModel): KeeperOf | undefined {
    const { kept } = this.#options;
    const { endpoint } = exchangeOf(call.res);
    if (kept === undefined || endpoint?.keeps === undefined) return undefined;
    const { keeps } = endpoint;
    return keeperFor(kept, call.res, { keeps, chain: () => chainOf(model, call) });
  }

  #find(id: string | undefined): DirectoryModel {
    return findModel(this.#options.directory.current(), id);
  }

  /** The model as it is now; as it was for one that is gone. */
  #now(model: DirectoryModel): DirectoryModel {
    const { models } = this.#options.directory.current();
    return models.find(({ id }) => id === model.id) ?? model;
  }

  async #admit(
    model: DirectoryModel,
    { req, res, reference, open }: Call,
    watch?: (model: DirectoryModel) => void,
  ): Promise<Disposable> {
    const { demand } = this.#options;
    const isServed = model.endpoints.length > 0;
    // What evaluates nothing is in nobody's way.
    if (isServed && exchangeOf(res).endpoint?.evaluates === false) return demand.visit(model);
    const isPatient = waits(req);
    if (!isPatient && !isServed && isNearlyThere(model)) demand.want(model);
    const entering = this.#admission.enter(model, {
      tenant: tenantOf(res),
      patienceSeconds: patienceSeconds(req, reference),
      waits: isPatient,
      ...(watch && { sees: watch }),
      open,
    });
    if (!(entering instanceof Promise)) return entering;
    const sinceMs = performance.now();
    using _comments = reference.stream ? this.#comments(model, req, res) : undefined;
    const place = await entering;
    note(res, { waitedMs: Math.round(performance.now() - sinceMs) });
    return place;
  }

  /** Undefined where the client wants to hear nothing. */
  #comments(model: DirectoryModel, req: Request, res: Response): WaitingStream | undefined {
    const { keepAliveMs = KEEP_ALIVE_MS } = this.#options;
    const intervalMs = waitingIntervalMs(req, keepAliveMs);
    if (intervalMs === undefined) return undefined;
    const telling = tellingFor(req, res);
    return new WaitingStream(res, { intervalMs, telling }, () => this.#now(model));
  }

  /** False when the model has lost its last endpoint. */
  async #tryEndpoints(call: Call, attempts: Attempts): Promise<boolean> {
    for (;;) {
      const model = this.#find(call.asked);
      const lease = call.journey.pick(model, () =>
        this.#balancer.lease(model, () => chainOf(model, call), attempts.tried),
      );
      if (lease === undefined) return false;
      const { endpoint } = lease;
      attempts.begin(endpoint, model.endpoints);
      note(call.res, { endpoint, attempts: attempts.count });
      const attempt = { model, lease, attempts };
      if (await this.#attempt(attempt, call)) return true;
      if (attempts.others === 0) await pause(RETRY_DELAY_MS, call.open);
    }
  }

  /** Whether the client got its answer; if not, nothing has been started. */
  async #attempt({ model, lease, attempts }: Attempting, call: Call): Promise<boolean> {
    using _lease = lease;
    using attempt = call.journey.attempt(model, lease.endpoint, this.#requestTo(model, call));
    try {
      const { upstream } = this.#options;
      const answer = await upstream.send(lease.endpoint, attempt.request, call.open);
      attempt.answered(answer.status);
      const failure = failureOfStatus(answer.status);
      if (failure !== undefined) {
        answer.abort(failure);
        throw failure;
      }
      if (answer.status < 500) lease.answered();
      else lease.judge("failure");
      if (answer.status === 503 && attempts.left && attempts.others > 0) {
        answer.abort(new Error("another endpoint is asked"));
        return false;
      }
      await relay(answer, call.res, this.#keeperFor(call, model));
      if (answer.status < 500) lease.judge("success");
      return true;
    } catch (thrown) {
      attempt.failed(thrown);
      if (!(thrown instanceof UpstreamFailure)) throw thrown;
      lease.judge(thrown.kind === "unreachable" ? "unreachable" : "failure");
      if (isUnanswered(thrown) && attempts.left) return false;
      throw thrown;
    }
  }
}

/** What came before, if anything is kept of it, and then the client's own bytes. Made late: who waits holds no copy. */
function wholeBody({ body, earlier }: Reference): Buffer {
  const before = [...(earlier?.json ?? []), ...(earlier?.referenced.json ?? [])];
  return before.length === 0 ? body : Buffer.concat([...before, body]);
}

function headersOf({ bytes, referenced }: NonNullable<Reference["earlier"]>) {
  return {
    [EARLIER_BYTES_HEADER]: String(bytes),
    ...(referenced.bytes > 0 && { [REFERENCED_BYTES_HEADER]: String(referenced.bytes) }),
  };
}

function isUnanswered({ kind, hasAnswered }: UpstreamFailure): boolean {
  return !hasAnswered && (kind === "unreachable" || kind === "cut");
}

function chainOf({ id }: DirectoryModel, { reference, res }: Call) {
  const { body, prompt } = reference;
  if (prompt === undefined) return [];
  const earlier = reference.earlier?.chain ?? [];
  return promptChain(body, prompt, { seed: `${id}\n${tenantOf(res)}`, earlier });
}

/** Ends early when the request has to. */
async function pause(ms: number, open: OpenRequest): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  using _ending = open.onEnd(reject);
  const timer = setTimeout(resolve, ms);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}
