/**
 * Stands between a controller and the API server: counts what it writes, and can make any write its last.
 *
 * Cut `before` a write, the server never hears of it; cut `after` it, the server has done it and the
 * controller does not know. Either way nothing gets through afterwards: to the controller's cluster it is as
 * if its process had been killed there.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { ClusterAccess } from "@localmodel/kube/access/access.ts";
import { Agent, request } from "undici";

export type Cut = { readonly write: number; readonly when: "before" | "after" };
type Write = { readonly method: string; readonly path: string };

const READS = new Set(["GET", "HEAD"]);

export class ApiProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: ClusterAccess;
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false }, bodyTimeout: 0 });
  readonly #stopped = new AbortController();
  readonly #cut: Cut | undefined;
  readonly writes: Write[] = [];
  /** Aborts when the cut has come. */
  readonly severed = new AbortController();

  private constructor(target: ClusterAccess, cut: Cut | undefined) {
    this.#target = target;
    this.#cut = cut;
    this.#server = createServer((req, res) => void this.#forward(req, res));
  }

  static async start(target: ClusterAccess, cut?: Cut): Promise<ApiProxy> {
    const proxy = new ApiProxy(target, cut);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  access(): ClusterAccess {
    const { port } = this.#server.address() as AddressInfo;
    return {
      server: `http://127.0.0.1:${port}`,
      credentials: async () => ({ headers: {}, tls: {} }),
    };
  }

  async #forward(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const body = Buffer.concat(await Array.fromAsync(req as AsyncIterable<Buffer>));
      if (this.severed.signal.aborted) return void res.destroy();
      const isLast = this.#count(req);
      if (isLast && this.#cut?.when === "before") return this.#sever(res);
      const answer = await this.#send(req, body);
      if (isLast) {
        await answer.body.dump();
        return this.#sever(res);
      }
      res.writeHead(answer.statusCode, {
        "content-type": String(answer.headers["content-type"] ?? "application/json"),
      });
      res.flushHeaders();
      await pipeline(answer.body, res);
    } catch {
      res.destroy();
    }
  }

  /** Whether this is the write to be cut at. Leases are renewed by the clock and are not counted. */
  #count({ method = "", url = "" }: IncomingMessage): boolean {
    if (READS.has(method)) return false;
    const [path = ""] = url.split("?");
    if (path.includes("/events")) return false;
    this.writes.push({ method, path });
    return this.writes.length === this.#cut?.write;
  }

  async #send({ method = "GET", url = "/", headers }: IncomingMessage, body: Buffer) {
    const { headers: login } = await this.#target.credentials(false);
    return request(`${this.#target.server}${url}`, {
      method: method as "GET",
      dispatcher: this.#agent,
      signal: this.#stopped.signal,
      headers: {
        accept: "application/json",
        ...(headers["content-type"] !== undefined && { "content-type": headers["content-type"] }),
        ...login,
      },
      body: body.length === 0 ? null : body,
    });
  }

  #sever(res: ServerResponse): void {
    this.severed.abort();
    res.destroy();
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#agent.destroy();
  }
}
