/**
 * Writes events beside the work, never in its way: `record` returns at once, cannot fail, and when the
 * API server is slow or away, what does not fit in a bounded queue is lost. Events inform; nothing may
 * depend on them.
 */
import { randomBytes } from "node:crypto";
import { ApiStatusError, isNamespaceEnding, isNotFound } from "../wire/api-errors.ts";
import type { Client } from "../wire/client.ts";
import { delay } from "../time/clock.ts";
import { EVENTS, type KubeEvent, newEvent, type Occurrence, type Reporter } from "./event.ts";
import { EventCorrelator, type EventWrite } from "./event-correlator.ts";
import type { Log } from "../log.ts";

type RecorderOptions = { readonly reporter: Reporter; readonly log: Log };

const QUEUE_MAX = 1000;
const MAX_TRIES = 12;
const RETRY_MS = 10_000;
const SWEEP_MS = 60_000;
const FLUSH_TIMEOUT_MS = 5000;

export class EventRecorder {
  readonly #client: Client;
  readonly #options: RecorderOptions;
  readonly #correlator: EventCorrelator;
  readonly #queue: EventWrite[] = [];
  #wake: () => void = () => {};
  #sweptMs = 0;

  constructor(client: Client, options: RecorderOptions) {
    this.#client = client;
    this.#options = options;
    this.#correlator = new EventCorrelator(client.transport.clock);
    this.#sweptMs = client.transport.clock.nowMs();
  }

  record(occurrence: Occurrence): void {
    const date = this.#client.transport.clock.date();
    const unique = randomBytes(8).toString("hex");
    const event = newEvent(occurrence, this.#options.reporter, date, unique);
    const write = this.#correlator.observe(event);
    if (write !== undefined) this.#enqueue(write);
  }

  /** Writes until the signal aborts, and then, for a moment, what is left. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#sweepWhenDue();
      const write = this.#queue.shift();
      if (write === undefined) await this.#somethingToDo(signal);
      else await this.#write(write, signal);
    }
    await this.#flush();
  }

  #sweepWhenDue(): void {
    const nowMs = this.#client.transport.clock.nowMs();
    if (nowMs < this.#sweptMs + SWEEP_MS) return;
    this.#sweptMs = nowMs;
    for (const write of this.#correlator.sweep()) this.#enqueue(write);
  }

  async #somethingToDo(signal: AbortSignal): Promise<void> {
    const { clock } = this.#client.transport;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    using _sweep = clock.schedule(this.#sweptMs + SWEEP_MS - clock.nowMs(), resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  }

  #enqueue(write: EventWrite): void {
    if (this.#queue.length >= QUEUE_MAX) {
      this.#options.log.warn("an event was lost, too many are waiting", describe(write.event));
      return;
    }
    this.#queue.push(write);
    this.#wake();
  }

  async #flush(): Promise<void> {
    for (const write of this.#correlator.flush()) this.#enqueue(write);
    const { clock } = this.#client.transport;
    const startMs = clock.nowMs();
    const client = this.#client.with({ timeoutMs: FLUSH_TIMEOUT_MS, retry: false });
    for (const write of this.#queue.splice(0)) {
      if (clock.nowMs() - startMs >= FLUSH_TIMEOUT_MS) return;
      await this.#send(client, write).catch(() => {});
    }
  }

  async #write(write: EventWrite, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#client.transport;
    const client = this.#client.with({ signal, retry: false });
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#send(client, write);
      } catch (error) {
        if (signal.aborted) return void this.#queue.unshift(write);
        if (isNamespaceEnding(error)) return;
        if (tries === MAX_TRIES || isRefused(error)) {
          this.#options.log.warn("an event was not written", { ...describe(write.event), error });
          return;
        }
        await delay(clock, RETRY_MS * (0.5 + random() / 2), signal).catch(() => {});
      }
    }
  }

  async #send(client: Client, { kind, event }: EventWrite): Promise<void> {
    if (kind === "update") {
      try {
        const { series, metadata } = event;
        return void (await client.mergePatch(EVENTS, metadata, { series }));
      } catch (error) {
        // Events live for an hour.
        if (!isNotFound(error)) throw error;
      }
    }
    await client.create(EVENTS, event);
  }
}

/** The server has understood and does not want it; asking again changes nothing. */
function isRefused(error: unknown): boolean {
  return error instanceof ApiStatusError && error.code < 500 && error.code !== 429;
}

function describe({ reason, regarding, note }: KubeEvent) {
  return { reason, regarding: `${regarding.kind} ${regarding.name}`, note };
}
