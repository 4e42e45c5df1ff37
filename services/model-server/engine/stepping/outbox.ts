/**
 * Events on their way to the HTTP process, some of which can wait for a better moment.
 *
 * While a batch is decoded, llama.cpp's threads keep every core busy and wait for each other spinning, so
 * whatever anyone else computes then is lost to all streams. Between two batches, while tokens are chosen,
 * only one core works: passing tokens on is free there. So a token in the middle of a stream waits for the
 * end of the batch after it; what a client waits for (its first token, its end, an error) goes at once, and
 * with it everything else of the same request, in order.
 */
import type { EngineEvent } from "../protocol.ts";

/** Where tokens take longer than this, waiting for one costs a reader more than it saves anybody. */
const WAITABLE_STEP_MS = 60;

export class Outbox {
  readonly #send: (events: readonly EngineEvent[]) => void;
  readonly #pressing = new Set<number>();
  #events: EngineEvent[] = [];

  constructor(send: (events: readonly EngineEvent[]) => void) {
    this.#send = send;
  }

  put(event: EngineEvent, { canWait = false }: { readonly canWait?: boolean } = {}): void {
    this.#events.push(event);
    if (!canWait) this.#pressing.add(event.id);
  }

  /** Before a step, where steps usually take `stepMs`: sends what should not wait for it. */
  sendPressing(stepMs: number): void {
    if (stepMs > WAITABLE_STEP_MS) return this.sendAll();
    const waiting = this.#events.filter(({ id }) => !this.#pressing.has(id));
    if (waiting.length === this.#events.length) return;
    const pressing = this.#events.filter(({ id }) => this.#pressing.has(id));
    this.#pressing.clear();
    this.#events = waiting;
    this.#send(pressing);
  }

  sendAll(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    this.#pressing.clear();
    this.#send(events);
  }
}
