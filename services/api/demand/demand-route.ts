/**
 * `GET /demand`: the feed as a stream of lines, for whoever can show the token.
 *
 * Nobody here can take memory or time from requests: listeners are few, each holds one line, and one that does not read
 * is let go.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { demandTokenFor } from "@localmodel/localmodel/contracts/server-key.ts";
import type { DemandFeed } from "./feed.ts";

const LISTENERS_MAX = 16;
/** Longest time in which a listener takes nothing of what is written. */
const STALLED_MS = 30_000;

type RouteOptions = {
  /** What model servers know the service by. None: anybody may listen, as anybody may ask those. */
  readonly secrets: readonly string[];
  readonly stalledMs?: number;
};

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

export function demandRoute(feed: DemandFeed, options: RouteOptions): Handler {
  const { secrets, stalledMs = STALLED_MS } = options;
  const tokens = secrets.map((secret) => sha256(demandTokenFor(secret)));
  return (req, res) => {
    if (req.method !== "GET") return refuse(res, 405, "there is GET /demand", { allow: "GET" });
    if (tokens.length > 0 && !isOneOf(tokens, req)) {
      const challenge = { "www-authenticate": 'Bearer realm="demand"' };
      return refuse(res, 401, "this needs the token of the model servers' secret", challenge);
    }
    if (feed.listeners >= LISTENERS_MAX) {
      const message = `${LISTENERS_MAX} listen already, and there are no more places`;
      return refuse(res, 503, message, { "retry-after": "5" });
    }
    res.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
    const subscription = feed.subscribe({
      write: (line) => write(res, line, stalledMs),
      end: () => res.end(),
    });
    res.on("drain", () => subscription.resume());
    res.once("close", () => subscription[Symbol.dispose]());
  };
}

function write(res: ServerResponse, line: string, stalledMs: number): boolean {
  if (res.write(line)) return true;
  const timer = setTimeout(() => res.destroy(), stalledMs);
  const ended = (): void => {
    clearTimeout(timer);
    res.off("drain", ended).off("close", ended);
  };
  res.once("drain", ended).once("close", ended);
  return false;
}

function isOneOf(tokens: readonly Buffer[], { headers }: IncomingMessage): boolean {
  const [, token = ""] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "") ?? [];
  const shown = sha256(token);
  return tokens.some((one) => timingSafeEqual(one, shown));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function refuse(
  res: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>>,
): void {
  res.writeHead(status, { "content-type": "text/plain", ...headers }).end(`${message}\n`);
}
