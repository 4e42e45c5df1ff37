/**
 * One request on its way to a model server, as traces and metrics tell it: which model, how long it waited, who was
 * asked, and what came of each attempt.
 *
 * An attempt that follows a failed one is linked to it. Every attempt carries its own span's id to the model server,
 * in headers: bodies are never touched.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { spanOf } from "@localmodel/service/http/server-span.ts";
import {
  type Attributes,
  type Span,
  within,
  withinSync,
} from "@localmodel/telemetry/spans/span.ts";
import type { Response } from "express";
import type { Lease } from "../balancing/balancer.ts";
import { failureType } from "../upstream/upstream-failure.ts";
import type { ApiMetrics } from "../metrics/api-metrics.ts";
import type { UpstreamRequest } from "../upstream/upstream.ts";
import { WaitPhases } from "./wait-phases.ts";

const MODEL_MAX_CHARACTERS = 256;

export class Journey {
  readonly #span: Span | undefined;
  readonly #metrics: ApiMetrics | undefined;
  #attempts = 0;
  #last: Attempt | undefined;
  #server: Attributes = {};

  constructor(res: Response, metrics: ApiMetrics | undefined) {
    this.#span = spanOf(res);
    this.#metrics = metrics;
  }

  route(
    asked: string | undefined,
    find: (id: string | undefined) => DirectoryModel,
  ): DirectoryModel {
    if (asked !== undefined) {
      this.#span?.set({ "gen_ai.request.model": asked.slice(0, MODEL_MAX_CHARACTERS) });
    }
    const model = withinSync(this.#span, "route", {
      act: () => find(asked),
      describe: ({ id }) => ({ "localmodel.model": id }),
      errorTypeOf: failureType,
    });
    this.#span?.set({ "localmodel.model": model.id });
    return model;
  }

  /** `waiting` are those who were there before. `sees`: for whoever wants to know what is waited for, if anybody does. */
  async queue(
    model: DirectoryModel,
    waiting: number,
    admit: (sees?: (model: DirectoryModel) => void) => Promise<Disposable>,
  ): Promise<Disposable> {
    const sinceMs = performance.now();
    const seconds = (): number => (performance.now() - sinceMs) / 1000;
    using _wake = this.#waking(model, seconds);
    const place = await within(this.#span, "queue", {
      act: async (span) => {
        if (span === undefined) return admit();
        using phases = new WaitPhases(span);
        return await admit((seen) => phases.see(seen));
      },
      describe: () => ({
        "localmodel.queue.waiting": waiting,
        // Why it waited, where it did: for a model that was asleep, say.
        "localmodel.model.state": model.endpoints.length > 0 ? "ready" : model.state,
      }),
      errorTypeOf: failureType,
    });
    this.#metrics?.waited(model.id, seconds(), this.#span);
    return place;
  }

  #waking(model: DirectoryModel, seconds: () => number): Disposable | undefined {
    const { id, endpoints, activationTimeoutSeconds } = model;
    const isAsleep = endpoints.length === 0 && activationTimeoutSeconds !== undefined;
    if (!isAsleep || this.#metrics === undefined) return undefined;
    return { [Symbol.dispose]: () => this.#metrics?.wokeAfter(id, seconds(), this.#span) };
  }

  pick(model: DirectoryModel, lease: () => Lease | undefined): Lease | undefined {
    return withinSync(this.#span, "pick", {
      act: lease,
      describe: (taken) => {
        if (taken === undefined) return {};
        this.#server = serverAttributes(taken.endpoint, model);
        return { ...this.#server, "localmodel.pick.reason": taken.reason };
      },
      errorTypeOf: failureType,
    });
  }

  attempt(model: DirectoryModel, endpoint: string, request: UpstreamRequest): Attempt {
    const resends = this.#attempts;
    const failed = this.#last;
    this.#attempts += 1;
    if (failed !== undefined) this.#metrics?.retried(model.id, failed.outcome);
    const span = this.#span?.child("POST", {
      kind: "client",
      attributes: {
        ...this.#server,
        "http.request.method": "POST",
        "url.full": `${endpoint}${request.path}`,
        ...(resends > 0 && { "http.request.resend_count": resends }),
      },
      ...(failed?.span !== undefined && { links: [failed.span] }),
    });
    this.#last = new Attempt(span, request, (outcome) =>
      this.#metrics?.attempted(model.id, outcome),
    );
    return this.#last;
  }
}

/** One attempt, until it is disposed. */
class Attempt implements Disposable {
  readonly span: Span | undefined;
  /** What is to be sent. */
  readonly request: UpstreamRequest;
  readonly #count: (outcome: string) => void;
  #outcome = "none";

  constructor(span: Span | undefined, request: UpstreamRequest, count: (outcome: string) => void) {
    this.span = span;
    this.#count = count;
    this.request = span === undefined ? request : carrying(span, request);
  }

  /** A status, or how it failed. */
  get outcome(): string {
    return this.#outcome;
  }

  answered(status: number): void {
    this.#outcome = String(status);
    this.span?.set({ "http.response.status_code": status });
    if (status >= 400) this.span?.fail(this.#outcome);
  }

  failed(thrown: unknown): void {
    this.#outcome = failureType(thrown);
    this.span?.fail(this.#outcome);
  }

  [Symbol.dispose](): void {
    this.#count(this.#outcome);
    this.span?.end();
  }
}

function carrying(span: Span, request: UpstreamRequest): UpstreamRequest {
  const headers = { ...request.headers };
  span.inject(headers);
  return { ...request, headers };
}

function serverAttributes(endpoint: string, { pods }: DirectoryModel): Attributes {
  const [, address = endpoint, port] = /^https?:\/\/\[?(.+?)\]?:(\d+)$/.exec(endpoint) ?? [];
  return {
    "server.address": address,
    ...(port !== undefined && { "server.port": Number(port) }),
    "k8s.pod.name": pods?.[endpoint],
  };
}
