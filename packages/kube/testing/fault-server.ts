/**
 * An HTTP server that answers as a test tells it, faults included.
 *
 * It knows nothing of Kubernetes: it hands every request to the test's script and does with the
 * connection what the script says. What a real API server would answer is for tests on a real one.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { ClusterAccess } from "../access.ts";

export type Received = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
};

/** The test's side of one request. */
export class Exchange {
  readonly received: Received;
  readonly #response: ServerResponse;

  constructor(received: Received, response: ServerResponse) {
    this.received = received;
    this.#response = response;
  }

  /** Whether the client has gone, or was sent away. */
  get closed(): boolean {
    return this.#response.closed || this.#response.destroyed;
  }

  json(body: unknown, code = 200, headers: Readonly<Record<string, string>> = {}): void {
    this.#response.writeHead(code, { "content-type": "application/json", ...headers });
    this.#response.end(JSON.stringify(body));
  }

  status(code: number, reason: string, headers: Readonly<Record<string, string>> = {}): void {
    const body = { kind: "Status", status: "Failure", code, reason, message: `as told: ${reason}` };
    this.json(body, code, headers);
  }

  text(body: string, code: number): void {
    this.#response.writeHead(code, { "content-type": "text/plain" });
    this.#response.end(body);
  }

  /** Begins a watch: headers now, lines later. */
  begin(): this {
    this.#response.writeHead(200, { "content-type": "application/json" });
    this.#response.flushHeaders();
    return this;
  }

  event(type: string, object: unknown): this {
    return this.raw(`${JSON.stringify({ type, object })}\n`);
  }

  raw(bytes: string | Uint8Array): this {
    this.#response.write(bytes);
    return this;
  }

  /** Ends the body properly. */
  end(): void {
    this.#response.end();
  }

  /** Cuts the connection, as soon as what was written has left. */
  cut(): void {
    setImmediate(() => this.#response.socket?.destroy());
  }
}

export type Script = (exchange: Exchange, index: number) => void;

export class FaultServer implements AsyncDisposable {
  /** Every request so far, oldest first. */
  readonly exchanges: Exchange[] = [];
  /** Connections ever opened. */
  connections = 0;
  script: Script;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer((request, response) => void this.#receive(request, response));
    this.#server.on("connection", (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(script: Script): Promise<FaultServer> {
    const server = new FaultServer(script);
    await server.listen(0);
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get received(): readonly Received[] {
    return this.exchanges.map(({ received }) => received);
  }

  access(token = "secret"): ClusterAccess {
    return {
      server: `http://127.0.0.1:${this.port}`,
      credentials: async () => ({ headers: { authorization: `Bearer ${token}` }, tls: {} }),
    };
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Goes away: nothing listens, and open connections are cut. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => {}); // The client may go whenever it likes.
    const url = new URL(request.url ?? "/", "http://server");
    const body = await text(request).catch(() => "");
    const exchange = new Exchange(
      {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: body === "" ? undefined : JSON.parse(body),
      },
      response,
    );
    this.exchanges.push(exchange);
    this.script(exchange, this.exchanges.length - 1);
  }
}
