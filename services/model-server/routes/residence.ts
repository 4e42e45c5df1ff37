/**
 * GET /residence: whether the weights are in memory, as a stream of lines (contracts/residence.ts).
 *
 * For the API service, which holds requests while they are not. What is told is always the whole of it, made when it is
 * written; so nothing waits in memory for a listener, and one that does not read is let go.
 */
import { type Residence, residenceLine } from "@localmodel/localmodel/contracts/residence.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { rateLimited } from "@localmodel/inference/unavailability.ts";
import type { RequestHandler, Response } from "express";
import type { Serving } from "../serving.ts";

/** Replicas of the API service, those included that are replaced. */
const LISTENERS_MAX = 64;
const HEARTBEAT_MS = 5000;
/** Between two lines that differ in their progress alone. */
const PROGRESS_MS = 250;
const UNREAD_MAX_BYTES = 64 * 1024;

export function residence({ engine }: Serving): RequestHandler {
  const listeners = new Set<Listener>();
  engine.onState(({ state }) => {
    for (const listener of listeners) {
      // Listeners must not hold up the end of the process.
      if (state === "draining") listener.end();
      else listener.changed();
    }
  });
  return (_req, res) => {
    if (listeners.size >= LISTENERS_MAX) {
      throw rateLimited(`Already ${LISTENERS_MAX} listen to whether the model is loaded.`, 10);
    }
    res.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
    const listener = new Listener(res, () => residenceOf(engine.state));
    listeners.add(listener);
    res.once("close", () => {
      listeners.delete(listener);
      listener[Symbol.dispose]();
    });
  };
}

function residenceOf(state: ServerState): Residence {
  if (state.state !== "asleep") return awake(state);
  const { message, progress, problem } = state;
  // What is tried again is no news until it gets further.
  if (problem !== undefined) return { state: "asleep", message, reason: problem.reason };
  return progress === undefined
    ? { state: "asleep", message }
    : { state: "loading", message, progress };
}

function awake(state: Exclude<ServerState, { state: "asleep" }>): Residence {
  const deviceBytes = state.state === "ready" ? state.model.memoryBytes.vram : 0;
  return { state: "awake", ...(deviceBytes > 0 && { deviceBytes }) };
}

class Listener implements Disposable {
  readonly #res: Response;
  readonly #look: () => Residence;
  #told: Residence["state"] | undefined;
  #toldAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(res: Response, look: () => Residence) {
    this.#res = res;
    this.#look = look;
    this.#tell();
  }

  changed(): void {
    if (this.#look().state !== this.#told) return this.#tell();
    this.#tellIn(Math.max(0, this.#toldAtMs + PROGRESS_MS - performance.now()));
  }

  end(): void {
    this[Symbol.dispose]();
    this.#res.end();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    const now = this.#look();
    this.#told = now.state;
    this.#toldAtMs = performance.now();
    if (this.#res.writableLength > UNREAD_MAX_BYTES) return void this.#res.destroy();
    this.#res.write(residenceLine(now));
    this.#tellIn(HEARTBEAT_MS);
  }

  #tellIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), ms);
    this.#timer.unref();
  }
}
