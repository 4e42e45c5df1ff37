/**
 * An HTTP server that starts with a clear answer and ends without cutting anybody off.
 *
 * Draining is the part to understand: while requests are open, new ones are still answered, so that probes and
 * clients are told what happens instead of being refused; what the answer is, is the app's business. A connection that
 * was promised to be kept open stays open for a next request, which may be on its way, and whose answer says that it is
 * the last. When none is open, or at the deadline, the server stops accepting, and cuts what is left.
 *
 * What a request's head may not be is refused here, before any app sees it.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expectationFailed } from "@localmodel/inference/refusals.ts";
import { answerClientError } from "./client-error.ts";
import { isExpress, messagesOf } from "./express-messages.ts";
import { answerHalfClosed } from "./half-closed.ts";
import { answerRefusal, headRefusal } from "./request-head.ts";
import { ListenError } from "./listen-error.ts";
import { urlHost } from "./url-host.ts";

export type ListenOptions = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Time to send all headers of a request. */
  readonly headersTimeoutMs?: number;
  /** Time to send a whole request, body included. Answers may take as long as they like. */
  readonly requestTimeoutMs?: number;
  /** Time a connection may stay open between two requests. */
  readonly keepAliveTimeoutMs?: number;
  readonly maxHeaderBytes?: number;
};

export type HttpServer = {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /**
   * Ends gracefully, not before `left`: until then others may not know yet that it ends. `lastWords` is called if
   * requests are still open at the deadline: they have a moment to end with an error of their own before their
   * connections are cut.
   */
  drain(deadlineMs: number, lastWords?: () => void, left?: Promise<void>): Promise<void>;
  /** Ends at once, cutting whatever is open. */
  close(): Promise<void>;
};

const CONNECTIONS_CHECK_MS = 2000;
const LAST_WORDS_MS = 1000;
/** Time for a request that was on its way when the drain began. */
const UNUSED_CONNECTION_MS = 250;

export async function listen(app: RequestListener, options: ListenOptions): Promise<HttpServer> {
  const server = createServer({
    ...(isExpress(app) && messagesOf(app)),
    headersTimeout: options.headersTimeoutMs ?? 20_000,
    requestTimeout: options.requestTimeoutMs ?? 300_000,
    // Longer than the idle time of common proxies and connection pools, so that they close first.
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 75_000,
    maxHeaderSize: options.maxHeaderBytes ?? 32_768,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
  });
  server.on("clientError", answerClientError);
  const open = trackOpen(server);
  answerHalfClosed(server, open.responses);
  server.on("request", (req: IncomingMessage, res: ServerResponse) => {
    const refusal = headRefusal(req);
    if (refusal === undefined) app(req, res);
    else answerRefusal(res, refusal);
  });
  server.on("checkExpectation", (req: IncomingMessage, res: ServerResponse) =>
    answerRefusal(res, expectationFailed(req.headers.expect)),
  );
  server.on("checkContinue", (req: IncomingMessage, res: ServerResponse) => {
    // Told to go on or not, its client may send the body: nobody knows where a next request would begin.
    res.setHeader("connection", "close");
    server.emit("request", req, res);
  });
  await bound(server, options);

  const { port } = server.address() as AddressInfo;
  const { host } = options;
  const close = () => closed(server);
  return {
    host,
    port,
    url: `http://${urlHost(host)}:${port}`,
    close,
    drain: async (deadlineMs, lastWords, left = Promise.resolve()) => {
      endConnections(open);
      const finished = left.then(() => noneOpen(open)).then(() => stopAccepting(server, open));
      if (await within(deadlineMs, finished)) return;
      lastWords?.();
      await within(LAST_WORDS_MS, finished);
      await close();
    },
  };
}

function bound(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(new ListenError(error, { host, port }));
    server.once("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      resolve();
    });
  });
}

type Open = {
  readonly sockets: Set<Socket>;
  readonly responses: Set<ServerResponse>;
  draining: boolean;
  onEmpty?: () => void;
};

function trackOpen(server: Server): Open {
  const open: Open = { sockets: new Set(), responses: new Set(), draining: false };
  server.on("connection", (socket) => {
    open.sockets.add(socket);
    socket.once("close", () => open.sockets.delete(socket));
  });
  server.on("request", (_req, res: ServerResponse) => {
    open.responses.add(res);
    if (open.draining) res.setHeader("connection", "close");
    res.once("close", () => {
      open.responses.delete(res);
      if (open.responses.size === 0) open.onEmpty?.();
    });
  });
  return open;
}

/** From now on every connection ends with its request. */
function endConnections(open: Open): void {
  open.draining = true;
  for (const res of open.responses) {
    if (!res.headersSent) res.setHeader("connection", "close");
  }
}

function noneOpen(open: Open): Promise<void> {
  if (open.responses.size === 0) return Promise.resolve();
  return new Promise((resolve) => (open.onEmpty = resolve));
}

function stopAccepting(server: Server, open: Open): Promise<void> {
  // To Node a connection that has not sent its first request yet is not idle, and would hold the drain.
  const unused = setTimeout(closeUnused, UNUSED_CONNECTION_MS, open);
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(unused);
      resolve();
    });
    // The one whose answer has just ended is not idle to Node yet, and would wait out its idle time.
    setImmediate(() => server.closeIdleConnections());
  });
}

function closeUnused(open: Open): void {
  const used = new Set([...open.responses].map((res) => res.req.socket));
  for (const socket of open.sockets) {
    if (!used.has(socket)) socket.destroy();
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Whether the promise settled in time. */
async function within(deadlineMs: number, promise: Promise<void>): Promise<boolean> {
  const { promise: expired, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, deadlineMs, false);
  try {
    return await Promise.race([promise.then(() => true), expired]);
  } finally {
    clearTimeout(timer);
  }
}
