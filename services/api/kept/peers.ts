/**
 * The other replicas of the API service, as far as kept answers go: an answer is in the memory of the replica that made
 * it, and the others ask there for it.
 *
 * Who they are, a name says whose addresses are theirs (a headless Service, say). A replica that has just started may
 * not be among them yet, so it introduces itself: whoever asks, or greets, is asked from then on. They know each other by
 * a key that follows from the platform's secret; what they are asked for is named together with its tenant.
 */
import { TENANT_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { SERVER_KEY_HEADER } from "@localmodel/localmodel/contracts/server-key.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { urlHost } from "@localmodel/service/http/url-host.ts";
import { Agent, request } from "undici";
import { addressesAt } from "../gateways/addresses.ts";
import { type KeptResponse, keptFromWire } from "./kept-responses.ts";

export const PEER_PORT_HEADER = "x-localmodel-peer-port";
export const PEER_PATH = "/peer/responses";

const CONNECT_TIMEOUT_MS = 1000;
const ANSWER_TIMEOUT_MS = 10_000;
/** Longer than names are cached for. */
const HEARD_LIFETIME_MS = 300_000;
const HEARD_MAX = 256;

type Asking = { readonly tenant: string; readonly id: string };

type PeerOptions = {
  /** Base URLs; each address of a name is a replica. */
  readonly urls: readonly string[];
  /** What replicas show to each other. */
  readonly key: string;
  readonly log: Pick<Logger, "warn">;
};

export class Peers {
  readonly #options: PeerOptions;
  readonly #agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  });
  /** When one was last heard of, by its URL. */
  readonly #heard = new Map<string, number>();
  #port: number | undefined;

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  get key(): string {
    return this.#options.key;
  }

  /** Tells all others where this replica is. */
  async greet(port: number): Promise<void> {
    this.#port = port;
    await this.#askAll("GET", "");
  }

  /** One of them has asked, from this address, and listens there. */
  heardFrom(address: string, port: number): void {
    const host = address.replace(/^::ffff:/, "");
    const url = `http://${urlHost(host)}:${port}`;
    this.#heard.delete(url);
    this.#heard.set(url, performance.now());
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > HEARD_MAX && oldest !== undefined) this.#heard.delete(oldest);
  }

  async find({ tenant, id }: Asking): Promise<KeptResponse | undefined> {
    const [found] = await this.#askAll("GET", `/${encodeURIComponent(id)}`, tenant);
    return found?.[0];
  }

  /** A turn and those before it that the same replica has, newest first; none where nobody has it. */
  async turnsUpTo({ tenant, id }: Asking): Promise<readonly KeptResponse[]> {
    const [found] = await this.#askAll("GET", `/${encodeURIComponent(id)}/turns`, tenant);
    return found ?? [];
  }

  async turn({ tenant, id }: Asking): Promise<KeptResponse | undefined> {
    const [found] = await this.#askAll("GET", `/${encodeURIComponent(id)}/turn`, tenant);
    return found?.[0];
  }

  /** Whether one of them had it. */
  async delete({ tenant, id }: Asking): Promise<boolean> {
    return (await this.#askAll("DELETE", `/${encodeURIComponent(id)}`, tenant)).length > 0;
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  /** What those said that have something to say. One that is not there has lost what it had. */
  async #askAll(method: "GET" | "DELETE", path: string, tenant = "") {
    const urls = await this.#addresses();
    const answers = await Promise.all(
      urls.map((url) =>
        this.#ask(url, { method, path, tenant }).catch((error: unknown) => {
          this.#heard.delete(url);
          this.#options.log.warn("another replica does not answer", { url, error: String(error) });
          return undefined;
        }),
      ),
    );
    return answers.filter((answer) => answer !== undefined);
  }

  async #ask(
    url: string,
    { method, path, tenant }: { method: "GET" | "DELETE"; path: string; tenant: string },
  ): Promise<readonly KeptResponse[] | undefined> {
    const { statusCode, body } = await request(`${url}${PEER_PATH}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: {
        [SERVER_KEY_HEADER]: this.#options.key,
        // A name may have any letters, a header may not.
        [TENANT_HEADER]: encodeURIComponent(tenant),
        ...(this.#port !== undefined && { [PEER_PORT_HEADER]: String(this.#port) }),
      },
    });
    if (statusCode === 200) return keptFromWire(await body.json());
    await body.dump();
    return undefined;
  }

  async #addresses(): Promise<readonly string[]> {
    const since = performance.now() - HEARD_LIFETIME_MS;
    for (const [url, heardMs] of this.#heard) if (heardMs < since) this.#heard.delete(url);
    const named = await Promise.all(this.#options.urls.map((url) => this.#addressesOf(url)));
    return [...new Set([...named.flat(), ...this.#heard.keys()])];
  }

  async #addressesOf(url: string): Promise<readonly string[]> {
    const { port, protocol } = new URL(url);
    try {
      const found = await addressesAt(url);
      return found.map(
        ({ address }) => `${protocol}//${urlHost(address)}${port === "" ? "" : `:${port}`}`,
      );
    } catch (error) {
      this.#options.log.warn("other replicas are not found", { url, error: String(error) });
      return [];
    }
  }
}
