/**
 * One reader, and the model servers it reads: a connection to each, their events passed on whole.
 *
 * A connection that breaks is opened again at the next look; a server that refuses is not asked again.
 */
import { once } from "node:events";
import { SERVER_KEY_HEADER } from "@localmodel/localmodel/contracts/server-key.ts";
import { frame, KEEP_ALIVE } from "@localmodel/openai/sse.ts";
import { SpectatorStream } from "@localmodel/service/http/event-stream.ts";
import type { Response } from "express";
import { EVENTS } from "../answer/whole-events.ts";
import { WholeParts } from "../answer/whole-parts.ts";

const KEEP_ALIVE_MS = 15_000;
/** A prompt of a million tokens, with its answer, and room to spare. */
const EVENT_MAX_BYTES = 32 * 1024 * 1024;
const REFUSAL_MAX_CHARACTERS = 1000;

/** Whose server it is, and what it knows this service by. */
export type Followed = { readonly model: string; readonly key: string | undefined };

export class LogFollower implements Disposable {
  readonly #res: Response;
  readonly #stream: SpectatorStream;
  readonly #servers = new Map<string, AbortController>();

  constructor(res: Response) {
    this.#res = res;
    // One for each server that waits for a slow reader.
    res.setMaxListeners(0);
    this.#stream = new SpectatorStream(res, { comment: KEEP_ALIVE, intervalMs: KEEP_ALIVE_MS });
  }

  /** From now on exactly these servers. */
  follow(servers: ReadonlyMap<string, Followed>): void {
    for (const [endpoint, connection] of this.#servers) {
      if (servers.has(endpoint)) continue;
      this.#servers.delete(endpoint);
      connection.abort();
    }
    for (const [endpoint, followed] of servers) {
      if (this.#servers.has(endpoint)) continue;
      const connection = new AbortController();
      this.#servers.set(endpoint, connection);
      void this.#read(endpoint, followed, connection);
    }
  }

  end(): void {
    this.#res.end();
  }

  [Symbol.dispose](): void {
    this.#stream[Symbol.dispose]();
    this.follow(new Map());
  }

  async #read(
    endpoint: string,
    { model, key }: Followed,
    { signal }: AbortController,
  ): Promise<void> {
    try {
      const headers = key === undefined ? {} : { [SERVER_KEY_HEADER]: key };
      const answer = await fetch(`${endpoint}/admin/log`, { signal, headers, redirect: "error" });
      if (!answer.ok)
        return this.#write({ type: "refused", model, endpoint, ...(await why(answer)) });
      this.#write({ type: "attached", model, endpoint });
      await this.#pass(answer, signal);
    } catch {
      // Gone, or not there yet. Whether it still should be, the next look decides.
    }
    if (signal.aborted) return undefined;
    this.#servers.delete(endpoint);
    return this.#write({ type: "detached", model, endpoint });
  }

  async #pass(answer: globalThis.Response, signal: AbortSignal): Promise<void> {
    const events = new WholeParts(EVENTS, EVENT_MAX_BYTES);
    for await (const chunk of answer.body ?? []) {
      const whole = events.push(Buffer.from(chunk));
      if (events.isInside) throw new Error("an event has no end");
      if (whole.length > 0 && !this.#res.write(whole)) await once(this.#res, "drain", { signal });
    }
  }

  #write(event: object): void {
    if (!this.#res.writableEnded) this.#res.write(frame(event));
  }
}

async function why(answer: globalThis.Response): Promise<{ status: number; message: string }> {
  const body: unknown = await answer.json().catch(() => undefined);
  const { message = "" } = (body as { error?: { message?: string } } | undefined)?.error ?? {};
  return { status: answer.status, message: message.slice(0, REFUSAL_MAX_CHARACTERS) };
}
