/**
 * The spans of one request on its way to a model server: which model, how long it waited, who was asked, and one for
 * each attempt.
 *
 * An attempt that follows a failed one is linked to it. Every attempt carries its own span's id to the model server,
 * in headers: bodies are never touched.
 */
import type { DirectoryModel } from "@localmodel/localmodel/directory.ts";
import { spanOf } from "@localmodel/service/server-span.ts";
import { type Attributes, type Span, within, withinSync } from "@localmodel/telemetry/span.ts";
import type { Response } from "express";
import type { Lease } from "./balancing/balancer.ts";
import { failureType } from "./failure-type.ts";
import type { Reference } from "./reference.ts";
import type { UpstreamRequest } from "./upstream.ts";

const MODEL_MAX_CHARACTERS = 256;

export class ForwardTrace {
  readonly #span: Span | undefined;
  #attempts = 0;
  #last: Span | undefined;
  #server: Attributes = {};

  constructor(res: Response) {
    this.#span = spanOf(res);
  }

  route(
    { model: asked }: Reference,
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

  /** `waiting` are those who were there before. */
  queue(waiting: number, admit: () => Promise<Disposable>): Promise<Disposable> {
    return within(this.#span, "queue", {
      act: admit,
      describe: () => ({ "localmodel.queue.waiting": waiting }),
      errorTypeOf: failureType,
    });
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

  attempt(endpoint: string, request: UpstreamRequest): AttemptSpan {
    if (this.#span === undefined) return new AttemptSpan(undefined, request);
    const resends = this.#attempts;
    this.#attempts += 1;
    const span = this.#span.child("POST", {
      kind: "client",
      attributes: {
        ...this.#server,
        "http.request.method": "POST",
        "url.full": `${endpoint}${request.path}`,
        ...(resends > 0 && { "http.request.resend_count": resends }),
      },
      ...(this.#last !== undefined && { links: [this.#last] }),
    });
    this.#last = span;
    return new AttemptSpan(span, request);
  }
}

export class AttemptSpan implements Disposable {
  /** What is to be sent. */
  readonly request: UpstreamRequest;
  readonly #span: Span | undefined;

  constructor(span: Span | undefined, request: UpstreamRequest) {
    this.#span = span;
    this.request = request;
    if (span === undefined) return;
    const headers = { ...request.headers };
    span.inject(headers);
    this.request = { ...request, headers };
  }

  answered(status: number): void {
    this.#span?.set({ "http.response.status_code": status });
    if (status >= 400) this.#span?.fail(String(status));
  }

  failed(thrown: unknown): void {
    this.#span?.fail(failureType(thrown));
  }

  [Symbol.dispose](): void {
    this.#span?.end();
  }
}

function serverAttributes(endpoint: string, { pods }: DirectoryModel): Attributes {
  const [, address = endpoint, port] = /^https?:\/\/\[?(.+?)\]?:(\d+)$/.exec(endpoint) ?? [];
  return {
    "server.address": address,
    ...(port !== undefined && { "server.port": Number(port) }),
    "k8s.pod.name": pods?.[endpoint],
  };
}
