/**
 * Fetches images from hosts that are allowed, and from nowhere else.
 *
 * Whoever may ask a model may not thereby ask what only this machine can reach: names are resolved once, only public
 * addresses of them are connected to, and a redirect is looked at like a URL of its own. Nothing goes along that would
 * tell who asks, and no proxy stands in between, for that would resolve names itself.
 */
import { Reached, PrivateAddressError, type Network } from "@localmodel/weights/http/reach.ts";
import { isRedirect } from "@localmodel/weights/http/redirects.ts";
import { Agent, type Dispatcher, request } from "undici";
import { FileError } from "../problem.ts";
import { urlProblem } from "./image-url.ts";

const FETCHED_MAX_BYTES = 20 * 2 ** 20;
const FETCH_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5000;
const MAX_REDIRECTS = 3;

type FetcherOptions = {
  /** None: nothing is fetched. */
  readonly allowedHosts: readonly string[];
  /** For tests, which have no internet. */
  readonly network?: Network;
  readonly tls?: { readonly ca: string; readonly checkServerIdentity: () => undefined };
  readonly timeoutMs?: number;
};

export class ImageFetcher {
  readonly #hosts: readonly string[];
  readonly #reached: Reached;
  readonly #agent: Agent;
  readonly #timeoutMs: number;

  constructor({ allowedHosts, network, tls, timeoutMs = FETCH_TIMEOUT_MS }: FetcherOptions) {
    this.#hosts = allowedHosts;
    this.#timeoutMs = timeoutMs;
    this.#reached = new Reached(network);
    this.#agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: this.#reached.lookup("public"), ...tls },
      // Nothing of one client's answers waits for another's.
      pipelining: 0,
      keepAliveTimeout: 1,
    });
  }

  /** Throws a FileError, the signal's reason, and what `count` throws, which is told of bytes as they come. */
  async fetch(
    address: string,
    signal: AbortSignal,
    count: (bytes: number) => void = () => {},
  ): Promise<Uint8Array> {
    const url = URL.parse(address);
    if (url === null) {
      throw new FileError({ code: "invalid_image_url", message: "its URL cannot be read" });
    }
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]);
    try {
      return await this.#follow(url, deadline, count);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof FileError ? error : failed(whyOf(error, url, this.#timeoutMs));
    }
  }

  async #follow(
    first: URL,
    signal: AbortSignal,
    count: (bytes: number) => void,
  ): Promise<Uint8Array> {
    let url = first;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      this.#require(url);
      const { statusCode, headers, body } = await this.#get(url, signal);
      if (statusCode === 200) return readAll(body, url, count);
      body.on("error", () => {}).destroy();
      const next = isRedirect(statusCode) ? locationOf(headers, url) : null;
      if (next === null) throw failed(`${url.host} answers ${statusCode}`);
      url = next;
    }
    throw failed(`${url.host} redirects more than ${MAX_REDIRECTS} times`);
  }

  #require(url: URL): void {
    const problem = urlProblem(url, this.#hosts);
    if (problem !== undefined) throw new FileError(problem);
    this.#reached.require(url.hostname, "public");
  }

  #get(url: URL, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    return request(url, {
      dispatcher: this.#agent,
      headers: { "user-agent": "localmodel", accept: "image/*", "accept-encoding": "identity" },
      signal,
    });
  }
}

function locationOf({ location }: Dispatcher.ResponseData["headers"], from: URL): URL | null {
  return typeof location === "string" ? URL.parse(location, from.href) : null;
}

async function readAll(
  body: Dispatcher.ResponseData["body"],
  { host }: URL,
  count: (bytes: number) => void,
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    count(chunk.length);
    // Leaving the loop ends the connection.
    if (bytes > FETCHED_MAX_BYTES) {
      const message = `${host} sends more than the ${FETCHED_MAX_BYTES} bytes an image may have`;
      throw new FileError({ code: "image_too_large", message });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Never what a server answered, nor what is open on a machine: a client could read a network by it. */
function whyOf(error: unknown, { host }: URL, timeoutMs: number): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof PrivateAddressError) return `${host} is in a private network`;
  if (cause instanceof Error && cause.name === "TimeoutError") {
    return `${host} has not sent it within ${timeoutMs / 1000} s`;
  }
  return `${host} cannot be reached, or breaks off`;
}

function failed(message: string): FileError {
  return new FileError({ code: "failed_to_download_image", message });
}
