/**
 * The way to a model server: the one file that knows undici.
 *
 * Only the wait for headers has a deadline, and a long one, because an answer that is not streamed is
 * generated whole before its headers come. A stream may be silent for as long as it likes: if its server
 * is gone, so is the connection.
 */
import { Agent, errors } from "undici";

export type UpstreamRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type UpstreamAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Throws an UpstreamFailure when it breaks before its end. */
  readonly body: AsyncIterable<Buffer>;
  /** Gives up on the rest of the body. */
  discard(): void;
};

export type Upstream = {
  /** Throws an UpstreamFailure, or the reason of the signal when that aborted. */
  send(endpoint: string, request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer>;
};

export type FailureKind =
  /** No connection, so nothing has been started. */
  | "unreachable"
  /** The connection ended before the answer did. */
  | "cut"
  | "timeout"
  /** What came is not HTTP. */
  | "garbage";

export class UpstreamFailure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, cause: unknown) {
    super(`${kind}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "UpstreamFailure";
    this.kind = kind;
  }
}

export type UpstreamOptions = {
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
    send: async (origin, { path, headers, body }, signal) => {
      try {
        const answer = await agent.request({ origin, path, method: "POST", headers, body, signal });
        return {
          status: answer.statusCode,
          headers: answer.headers,
          body: classified(answer.body, signal),
          discard: () => void answer.body.on("error", () => {}).destroy(),
        };
      } catch (error) {
        throw failureOf(error, signal);
      }
    },
  };
}

async function* classified(
  body: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw failureOf(error, signal);
  }
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return new UpstreamFailure(kindOf(error), error);
}

const UNREACHABLE: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function kindOf(error: unknown): FailureKind {
  if (error instanceof errors.HeadersTimeoutError) return "timeout";
  if (error instanceof errors.HTTPParserError) return "garbage";
  if (error instanceof errors.HeadersOverflowError) return "garbage";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return UNREACHABLE.has(code) ? "unreachable" : "cut";
}
