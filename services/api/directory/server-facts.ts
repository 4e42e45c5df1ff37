/**
 * What the servers that a file lists say of their models, so that lists tell what a model is and can do: the file says only where
 * they are.
 *
 * Nothing waits for it and nothing is routed by it. A model's servers are asked in turn (`GET /readyz`) until one says it, and again
 * every minute, as another may have come in its place; what one said last is told while none answers.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { Agent, request } from "undici";

const LOOK_INTERVAL_MS = 2000;
/** Of what is known. */
const FRESH_MS = 60_000;
const ANSWER_MAX_MS = 2000;

/** It is asked rarely: no connection is kept for the next time. */
const dispatcher = new Agent({ pipelining: 0, headersTimeout: ANSWER_MAX_MS });

type Known = { readonly facts: ModelFacts; readonly atMs: number };
type Served = Pick<DirectoryModel, "endpoints">;

export class ServerFacts implements Disposable {
  readonly #models: () => readonly Served[];
  readonly #known = new Map<string, Known>();
  readonly #stop = new AbortController();
  /** Changes with what is known. */
  version = 0;

  constructor(models: () => readonly Served[]) {
    this.#models = models;
    void this.#follow();
  }

  of({ endpoints }: Served): ModelFacts | undefined {
    return this.#known.get(keyOf(endpoints))?.facts;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const listed = new Map(this.#models().map(({ endpoints }) => [keyOf(endpoints), endpoints]));
      for (const key of this.#known.keys()) if (!listed.has(key)) this.#known.delete(key);
      for (const [key, endpoints] of listed) await this.#learn(key, endpoints, signal);
      // Ended early, there is nobody to go on for.
      await wait(LOOK_INTERVAL_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #learn(key: string, endpoints: readonly string[], signal: AbortSignal): Promise<void> {
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() - known.atMs < FRESH_MS) return;
    for (const endpoint of endpoints) {
      if (signal.aborted) return;
      const facts = await factsAt(endpoint, signal).catch(() => undefined);
      if (facts === undefined) continue;
      this.#known.set(key, { facts, atMs: performance.now() });
      this.version += 1;
      return;
    }
  }
}

function keyOf(endpoints: readonly string[]): string {
  return endpoints.join(" ");
}

/** Undefined from a server that does not know yet, or is none. */
async function factsAt(endpoint: string, stop: AbortSignal): Promise<ModelFacts | undefined> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MAX_MS)]);
  const { body } = await request(`${endpoint}/readyz`, { dispatcher, signal });
  const { model } = (await body.json()) as { readonly model?: ModelFacts };
  return typeof model?.sizeBytes === "number" ? model : undefined;
}
