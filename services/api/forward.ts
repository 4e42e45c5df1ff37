/**
 * One request on its way: route, pick, send, and either stream the answer back or try again.
 *
 * Only what no server has answered is tried again, so that no token is ever sent twice:
 *
 *   1. no connection, or one that ended before the head of an answer: another endpoint, or the same if
 *      there is only one
 *   2. a 503: another endpoint that has not been asked; if there is none, the 503 is the answer
 *   3. any other head: it is the answer, and what breaks from here on is told inside it
 *
 * The model is looked up anew for each attempt: a model server that crashed may be back elsewhere.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "@localmodel/service/log.ts";
import { requestIdOf } from "@localmodel/service/request-id.ts";
import type { RequestHandler, Response } from "express";
import { note } from "./access-log.ts";
import { upstreamHeaders } from "./forwarded-headers.ts";
import { InFlight, pick } from "./in-flight.ts";
import type { ModelDirectory } from "./model-list.ts";
import { ClientGone, type OpenRequests } from "./open-requests.ts";
import { referenceOf } from "./reference.ts";
import { relay } from "./relay.ts";
import { findModel, whyNotServing } from "./route.ts";
import { toClientError } from "./upstream-error.ts";
import { type Upstream, UpstreamFailure, type UpstreamRequest } from "./upstream.ts";

const ATTEMPTS_MAX = 3;
/** Time for a lone server that could not be reached to come back. */
const RETRY_DELAY_MS = 100;

export type ForwardOptions = {
  readonly directory: ModelDirectory;
  readonly upstream: Upstream;
  readonly requests: OpenRequests;
  readonly log: Logger;
};

type Call = {
  readonly model: string | undefined;
  readonly request: UpstreamRequest;
  readonly res: Response;
  readonly signal: AbortSignal;
};

export function forward(options: ForwardOptions): RequestHandler {
  const forwarder = new Forwarder(options);
  return async (req, res) => {
    using open = options.requests.begin(res);
    const { body, model } = referenceOf(res);
    const request = { path: req.path, headers: upstreamHeaders(req, res), body };
    try {
      await forwarder.deliver({ model, request, res, signal: open.signal });
    } catch (thrown) {
      if (open.signal.reason instanceof ClientGone) return;
      if (!res.headersSent) throw toClientError(open.signal.reason ?? thrown);
      note(res, { outcome: "broken" });
      options.log.warn("a stream broke", { requestId: requestIdOf(res), error: String(thrown) });
    }
  };
}

class Forwarder {
  readonly #options: ForwardOptions;
  readonly #inFlight = new InFlight();

  constructor(options: ForwardOptions) {
    this.#options = options;
  }

  async deliver(call: Call): Promise<void> {
    const failed = new Set<string>();
    for (let attempt = 1; ; attempt++) {
      const model = findModel(this.#options.directory.current(), call.model);
      const endpoint = pick(model.endpoints, (one) => this.#inFlight.count(one), failed);
      if (endpoint === undefined) throw whyNotServing(model);
      note(call.res, { model: model.id, endpoint, attempts: attempt });

      failed.add(endpoint);
      const others = model.endpoints.filter((one) => !failed.has(one)).length;
      const left = { attempts: ATTEMPTS_MAX - attempt, others };
      if (await this.#attempt(endpoint, call, left)) return;
      if (others === 0) await wait(RETRY_DELAY_MS, undefined, { signal: call.signal });
    }
  }

  /** Whether the client got its answer; if not, nothing has been started. */
  async #attempt(
    endpoint: string,
    call: Call,
    left: { attempts: number; others: number },
  ): Promise<boolean> {
    using _lease = this.#inFlight.take(endpoint);
    const { request, res, signal } = call;
    let answer;
    try {
      answer = await this.#options.upstream.send(endpoint, request, signal);
    } catch (thrown) {
      if (left.attempts > 0 && isUnanswered(thrown)) return false;
      throw thrown;
    }
    if (answer.status === 503 && left.attempts > 0 && left.others > 0) {
      answer.discard();
      return false;
    }
    await relay(answer, res, signal);
    return true;
  }
}

function isUnanswered(thrown: unknown): boolean {
  return (
    thrown instanceof UpstreamFailure && (thrown.kind === "unreachable" || thrown.kind === "cut")
  );
}
