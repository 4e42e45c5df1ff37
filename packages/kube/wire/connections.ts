/**
 * The connections to one API server: one keep-alive pool for everything, watches included.
 *
 * A pool belongs to its certificates. When those change, new requests get a new pool and the old one
 * closes as its last answers and watches end.
 */
import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from "undici";
import type { ClusterAccess, TlsMaterial } from "../access/access.ts";

/** Watches hold one each for minutes; what is left is shared by ordinary requests. */
const MAX_CONNECTIONS = 64;
const CONNECT_TIMEOUT_MS = 10_000;
/** Below the idle time of API servers (90 s) and of the usual load balancers (60 s). */
const KEEP_ALIVE_MS = 30_000;

const LIMITS = {
  connections: MAX_CONNECTIONS,
  pipelining: 1,
  keepAliveTimeout: KEEP_ALIVE_MS,
  keepAliveMaxTimeout: KEEP_ALIVE_MS,
  // Deadlines are the business of whoever sends: a watch may be silent for minutes.
  headersTimeout: 0,
  bodyTimeout: 0,
  // A stuck HTTP/2 connection would take every watch down with it.
  allowH2: false,
} as const;

export class Connections implements AsyncDisposable {
  readonly #access: ClusterAccess;
  #current: { readonly tls: TlsMaterial; readonly dispatcher: Dispatcher } | undefined;
  readonly #closing = new Set<Dispatcher>();

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  dispatcherFor(tls: TlsMaterial): Dispatcher {
    if (this.#current !== undefined && sameTls(this.#current.tls, tls)) {
      return this.#current.dispatcher;
    }
    const outdated = this.#current?.dispatcher;
    const dispatcher = openPool(this.#access, tls);
    this.#current = { tls, dispatcher };
    if (outdated !== undefined) this.#closeInTime(outdated);
    return dispatcher;
  }

  /** Cuts what is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#closing];
    if (this.#current !== undefined) all.push(this.#current.dispatcher);
    this.#current = undefined;
    await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
  }

  #closeInTime(dispatcher: Dispatcher): void {
    this.#closing.add(dispatcher);
    const closed = (): void => void this.#closing.delete(dispatcher);
    dispatcher.close().then(closed, closed);
  }
}

function openPool({ server, proxyUrl }: ClusterAccess, tls: TlsMaterial): Dispatcher {
  const { ca, cert, key, passphrase, servername, rejectUnauthorized } = tls;
  const secrets = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
    ...(servername !== undefined && { servername }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
  const socket = {
    timeout: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  };
  if (proxyUrl === undefined) return new Agent({ ...LIMITS, connect: { ...secrets, ...socket } });
  if (/^https?:/.test(proxyUrl)) {
    return new ProxyAgent({ ...LIMITS, uri: proxyUrl, requestTls: { ...secrets, ...socket } });
  }
  if (/^socks5?:/.test(proxyUrl)) {
    return new Socks5ProxyAgent(proxyUrl, { ...LIMITS, requestTls: { ...secrets, ...socket } });
  }
  throw new Error(
    `the proxy of ${server} is ${proxyUrl}; it should begin with http:, https: or socks5:`,
  );
}

function sameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  const names = ["ca", "cert", "key", "passphrase", "servername", "rejectUnauthorized"] as const;
  return names.every((name) => String(a[name]) === String(b[name]));
}
