/**
 * A web server for files that can misbehave in every way a download meets.
 *
 * A real HTTP server on a loopback port. What it does with each request is decided by the test, per
 * request: cut the body, stall, lie about the length, ignore Range, change the file in between.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";

export type Answer = {
  /** Default: 200, or 206 for a Range that is honoured. */
  readonly status?: number;
  readonly body?: Buffer;
  /** Added to, or in place of, the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: a strong one made of the body's length. null: none at all. */
  readonly etag?: string | null;
  readonly honoursRange?: boolean;
  /** Continue whatever If-Range says, as some servers do. */
  readonly ignoresIfRange?: boolean;
  /** Send this many bytes of the body, then break the connection … */
  readonly cutAfter?: number;
  /** … once this is done (default: a moment later, so that most of it has been read) … */
  readonly cutWhen?: () => Promise<unknown>;
  /** … or go silent until the client gives up. */
  readonly stallAfter?: number;
  /** No Content-Length. */
  readonly chunked?: boolean;
};

export type Seen = {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
};

export type Script = (request: Seen, index: number) => Answer;

export class FileServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  script: Script;

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer((request, response) => {
      const seen = { path: request.url ?? "", headers: request.headers };
      this.seen.push(seen);
      respond(request, response, this.script(seen, this.seen.length - 1));
    });
  }

  /** `host`: an address of loopback, which on Linux has many. */
  static async start(script: Script, host = "127.0.0.1"): Promise<FileServer> {
    const server = new FileServer(script);
    await new Promise<void>((resolve) => server.#server.listen(0, host, resolve));
    return server;
  }

  /** The same server under two names is two origins. */
  origin(host: "127.0.0.1" | "localhost" = "127.0.0.1"): string {
    return `http://${host}:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `${this.origin()}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const body = answer.body ?? Buffer.alloc(0);
  const etag = answer.etag === null ? undefined : (answer.etag ?? `"${body.length}"`);
  const start = answer.status === undefined ? rangeStart(request, answer, etag) : undefined;
  const part = body.subarray(start ?? 0);
  response.writeHead(answer.status ?? statusOf(start, body.length), {
    ...(etag === undefined ? {} : { etag }),
    ...(answer.chunked === true ? {} : { "content-length": part.length }),
    ...(start === undefined ? {} : { "content-range": contentRange(start, body.length) }),
    ...answer.headers,
  });
  sendBody(response, part, answer);
}

function statusOf(start: number | undefined, length: number): number {
  if (start === undefined) return 200;
  return start < length ? 206 : 416;
}

function sendBody(response: ServerResponse, body: Buffer, answer: Answer): void {
  const { cutAfter, stallAfter, cutWhen = aMoment } = answer;
  const limit = cutAfter ?? stallAfter;
  if (limit === undefined) {
    response.end(body);
    return;
  }
  response.flushHeaders();
  if (limit > 0) response.write(body.subarray(0, limit));
  // What a client has not read when the connection breaks is lost to it.
  if (cutAfter !== undefined) void cutWhen().then(() => response.destroy());
}

/** Some turns of the event loop, which client and server share. */
async function aMoment(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

function rangeStart(
  request: IncomingMessage,
  answer: Answer,
  etag: string | undefined,
): number | undefined {
  if (answer.honoursRange === false) return undefined;
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  if (match === null) return undefined;
  const condition = request.headers["if-range"];
  const current = [etag, answer.headers?.["last-modified"]];
  const isCurrent = condition === undefined || current.includes(String(condition));
  return isCurrent || answer.ignoresIfRange === true ? Number(match[1]) : undefined;
}

function contentRange(start: number, length: number): string {
  return start >= length ? `bytes */${length}` : `bytes ${start}-${length - 1}/${length}`;
}
