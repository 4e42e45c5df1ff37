/**
 * The way to the model servers: a pool of connections for each, by undici.
 *
 * Only the wait for headers has a deadline, and a long one, because an answer that is not streamed is
 * generated whole before its headers come. A stream may be silent for as long as it likes: if its server
 * is gone, so is the connection.
 */
import { Agent } from "undici";
import type { OpenRequest } from "./open-requests.ts";
import { UpstreamAnswer } from "./upstream-answer.ts";

export type UpstreamRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type Upstream = {
  /** Throws an UpstreamFailure, or the reason why the request had to end. */
  send(endpoint: string, request: UpstreamRequest, open: OpenRequest): Promise<UpstreamAnswer>;
};

type UpstreamOptions = {
  readonly connectTimeoutMs?: number;
  readonly headersTimeoutMs?: number;
};

export function createUpstream(
  options: UpstreamOptions = {},
): Upstream & { close(): Promise<void> } {
  const agent = new Agent({
    connect: { timeout: options.connectTimeoutMs ?? 5000 },
    headersTimeout: options.headersTimeoutMs ?? 3_600_000,
    bodyTimeout: 0,
    connections: null,
    pipelining: 1,
    allowH2: false,
  });
  return {
    close: () => agent.destroy(),
    send: (origin, { path, headers, body }, open) => {
      const answer = new UpstreamAnswer(open);
      agent.dispatch({ origin, path, method: "POST", headers, body }, answer);
      return answer.head;
    },
  };
}
