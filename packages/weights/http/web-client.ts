/**
 * The only file that talks to the network: GET requests with redirects followed by our own rules, and questions that
 * follow none.
 *
 * Redirects are not left to the HTTP library because of the credentials and of private hosts (redirects.ts), and because
 * the Hub describes a file in the headers of the redirect, not in those of the final answer. There are no
 * timeouts here except for connecting: the caller's signal carries the stall and overall deadlines.
 */
import type { Readable } from "node:stream";
import { type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { type Network, PrivateAddressError, type Reach, Reached } from "./reach.ts";
import { isRedirect, type Leg, nextLeg, privateTarget } from "./redirects.ts";
import { WeightsError } from "../source/weights-error.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const USER_AGENT = "localmodel";

export type ResponseHeaders = Readonly<Record<string, string>>;

type WebRequest = Leg & {
  /** Sent on every hop, unlike the credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** To whom keeps no files: who gives keys. */
export type Question = {
  readonly method: "GET" | "POST" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
};

export type WebResponse = {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Where the answer came from. */
  readonly url: string;
  /** Headers of the redirects on the way, in order. */
  readonly redirects: readonly ResponseHeaders[];
  /** Must be read to its end or given to `discardBody`. */
  readonly body: Readable;
};

/** A request that got no answer, with the URL it was for: after redirects, not the one asked for. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`no answer from ${new URL(url).host}`, { cause });
    this.url = url;
  }
}

export class WebClient implements AsyncDisposable {
  readonly #reached: Reached;
  /** One for each reach, so that no connection of the one is used for the other. */
  readonly #dispatchers: Readonly<Record<Reach, EnvHttpProxyAgent>>;

  constructor(environment: NodeJS.ProcessEnv, network?: Network) {
    const reached = new Reached(network);
    this.#reached = reached;
    this.#dispatchers = {
      anywhere: dispatcher(environment, reached, "anywhere"),
      public: dispatcher(environment, reached, "public"),
    };
  }

  async get(wanted: WebRequest): Promise<WebResponse> {
    const redirects: ResponseHeaders[] = [];
    const { url, credentials, redirectHosts } = wanted;
    let leg: Leg = { url, credentials, ...(redirectHosts && { redirectHosts }) };
    // Whoever wrote the source may mean a host of his own network.
    let reach: Reach = "anywhere";
    let from = url;
    for (;;) {
      const response = await this.#send(leg, wanted, { reach, from });
      const headers = flatHeaders(response.headers);
      if (!isRedirect(response.statusCode) || isWrongRegion(headers)) {
        const { statusCode: status, body } = response;
        return { status, headers, url: leg.url, redirects, body };
      }
      discardBody(response.body);
      const fromPrivate = this.#reached.isPrivate(new URL(leg.url).hostname);
      const hops = { count: redirects.length, fromPrivate };
      const next = nextLeg(leg, headers["location"], hops);
      if (next.kind === "refuse") throw new WeightsError("SourceUnavailable", next.message);
      redirects.push(headers);
      from = leg.url;
      ({ leg, reach } = next);
    }
  }

  async ask({ url, headers, ...question }: Question) {
    const { statusCode: status, body } = await request(url, {
      ...question,
      dispatcher: this.#dispatchers.anywhere,
      headers: { "user-agent": USER_AGENT, ...headers },
    });
    return { status, body };
  }

  async #send(
    leg: Leg,
    { headers, signal }: WebRequest,
    { reach, from }: { readonly reach: Reach; readonly from: string },
  ): Promise<Dispatcher.ResponseData> {
    const { hostname } = new URL(leg.url);
    try {
      this.#reached.require(hostname, reach);
      return await request(leg.url, {
        dispatcher: this.#dispatchers[reach],
        headers: {
          "user-agent": USER_AGENT,
          // A compressed answer cannot be continued; response-plan.ts copes with servers that insist.
          "accept-encoding": "identity",
          ...headers,
          ...leg.credentials,
        },
        signal,
      });
    } catch (error) {
      if (!isPrivateAddressError(error)) throw new RequestError(leg.url, error);
      throw new WeightsError("SourceUnavailable", privateTarget(from, hostname), { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.#dispatchers).map((one) => one.destroy()));
  }
}

/** A proxy resolves names itself, and is where a site decides what may be reached: it is asked for any. */
function dispatcher(environment: NodeJS.ProcessEnv, reached: Reached, reach: Reach) {
  return new EnvHttpProxyAgent({
    httpProxy: environment["http_proxy"] ?? environment["HTTP_PROXY"] ?? "",
    httpsProxy: environment["https_proxy"] ?? environment["HTTPS_PROXY"] ?? "",
    noProxy: environment["no_proxy"] ?? environment["NO_PROXY"] ?? "",
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: reached.lookup(reach) },
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false, // One big body per connection gains nothing from multiplexing.
  });
}

function isPrivateAddressError(error: unknown): boolean {
  const isIt = error instanceof PrivateAddressError;
  return isIt || (error instanceof Error && error.cause instanceof PrivateAddressError);
}

/** S3 redirects to a bucket's own region without saying where that is. */
function isWrongRegion(headers: ResponseHeaders): boolean {
  return headers["location"] === undefined && headers["x-amz-bucket-region"] !== undefined;
}

/** Gives a body up without reading it. */
export function discardBody(body: Readable): void {
  body.on("error", () => {}); // Ending it early is reported as an error; it is what we want.
  body.destroy();
}

function flatHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ResponseHeaders {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );
}
