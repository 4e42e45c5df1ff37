/**
 * JSON over HTTP to one API server.
 *
 * One method sends a request once; around it stand, from the inside out: one more try with fresh
 * credentials after a 401, retries where they are safe, a deadline over all of it. Bodies are what
 * JSON.parse makes of them: nothing is renamed, converted or dropped on the way.
 */
import type { Readable } from "node:stream";
import { request as send } from "undici";
import { ApiConnectionError, ApiStatusError } from "./api-errors.ts";
import { type ApiRequest, urlOf } from "./api-request.ts";
import { ClientMetrics } from "./client-metrics.ts";
import { type Clock, delay, systemClock } from "../time/clock.ts";
import type { ClusterAccess, Credentials } from "../access/access.ts";
import { Connections } from "./connections.ts";
import { Deadline, unlessAborted } from "../time/deadline.ts";
import { Login } from "../access/login.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { readBody, readError } from "./response.ts";
import { retryDelayMs } from "./retry-policy.ts";

export type TransportOptions = {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly metrics?: MetricRegistry;
  readonly userAgent?: string;
};

const REQUEST_TIMEOUT_MS = 30_000;

/** One request on its way, with its name for error messages. */
type Call<T> = {
  readonly request: ApiRequest;
  readonly attempted: string;
  readonly signal: AbortSignal;
  readonly read: (body: Readable) => Promise<T>;
};

export class Transport implements AsyncDisposable {
  readonly server: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly #login: Login;
  readonly #connections: Connections;
  readonly #metrics: ClientMetrics;
  readonly #userAgent: string;

  constructor(access: ClusterAccess, options: TransportOptions = {}) {
    const { clock = systemClock, random = Math.random, metrics = new MetricRegistry() } = options;
    this.server = access.server.replace(/\/+$/, "");
    this.clock = clock;
    this.random = random;
    this.#login = new Login(access, clock);
    this.#connections = new Connections(access);
    this.#metrics = new ClientMetrics(metrics, new URL(access.server).host);
    this.#userAgent = options.userAgent ?? "localmodel";
  }

  /** The parsed answer. */
  async json<T>(request: ApiRequest): Promise<T> {
    return this.#send(request, async (body) => {
      const bytes = await readBody(body);
      this.#metrics.received(request.method, bytes.length);
      return JSON.parse(bytes.toString("utf8")) as T;
    });
  }

  /**
   * The body as it arrives. Deadline and signal end with the headers: from then on it is the caller who
   * reads the body to its end or destroys it.
   */
  async stream(request: ApiRequest): Promise<Readable> {
    return this.#send(request, async (body) => body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }

  async #send<T>(request: ApiRequest, read: (body: Readable) => Promise<T>): Promise<T> {
    const attempted = `${request.method} ${request.path}`;
    const timeoutMs = request.timeoutMs ?? REQUEST_TIMEOUT_MS;
    const expired = (): Error =>
      new ApiConnectionError(attempted, new Error(`no answer within ${timeoutMs / 1000} s`));
    const follow = [request.signal, request.guard?.signal];
    using deadline = new Deadline(this.clock, timeoutMs, expired, follow);
    const call: Call<T> = { request, attempted, signal: deadline.signal, read };
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.#withFreshLogin(call);
      } catch (error) {
        // An aborted request fails in many ways; the reason it was aborted is the one to tell.
        deadline.signal.throwIfAborted();
        const waitMs = this.#retryDelayMs(request, error, attempts);
        if (waitMs === undefined) throw error;
        this.#metrics.retried(request.method, codeOf(error));
        await delay(this.clock, waitMs, deadline.signal);
      }
    }
  }

  #retryDelayMs(request: ApiRequest, error: unknown, attempts: number): number | undefined {
    if (request.retry === false) return undefined;
    const { repeatable = request.method === "GET" } = request;
    return retryDelayMs({ error, attempts, repeatable, random: this.random });
  }

  async #withFreshLogin<T>(call: Call<T>): Promise<T> {
    const credentials = await this.#credentials(call);
    try {
      return await this.#once(call, credentials);
    } catch (error) {
      if (!(error instanceof ApiStatusError) || error.code !== 401) throw error;
      this.#login.refuse(credentials);
      return this.#once(call, await this.#credentials(call));
    }
  }

  async #credentials<T>({ attempted, signal }: Call<T>): Promise<Credentials> {
    try {
      return await unlessAborted(this.#login.credentials(), signal);
    } catch (error) {
      throw new ApiConnectionError(`${attempted}: logging in to ${this.server}`, error);
    }
  }

  async #once<T>(call: Call<T>, credentials: Credentials): Promise<T> {
    const { request, attempted, signal, read } = call;
    const { method } = request;
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    if (body !== null) this.#metrics.sent(method, Buffer.byteLength(body));
    const dispatcher = this.#connections.dispatcherFor(credentials.tls);
    const headers = this.#headers(request, credentials);
    signal.throwIfAborted();
    request.guard?.check();
    const sentMs = this.clock.nowMs();
    let code: number | "<error>" = "<error>";
    try {
      const url = urlOf(this.server, request);
      const answer = await send(url, { dispatcher, method, headers, body, signal });
      code = answer.statusCode;
      if (code >= 400) throw await readError(attempted, code, answer.headers, answer.body);
      return await read(answer.body);
    } catch (error) {
      throw error instanceof ApiStatusError ? error : new ApiConnectionError(attempted, error);
    } finally {
      this.#metrics.answered(method, code, this.clock.nowMs() - sentMs);
    }
  }

  #headers({ body, contentType, accept }: ApiRequest, { headers }: Credentials) {
    return {
      accept: accept ?? "application/json",
      "user-agent": this.#userAgent,
      ...(body !== undefined && { "content-type": contentType ?? "application/json" }),
      ...headers,
    };
  }
}

function codeOf(error: unknown): number | "<error>" {
  return error instanceof ApiStatusError ? error.code : "<error>";
}
