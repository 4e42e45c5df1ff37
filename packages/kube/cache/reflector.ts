/**
 * Keeps a cache the same as the API server, for ever.
 *
 * List, then watch from there; whatever happens, wait a little and go on (reflector-step.ts says where).
 * It ends only when told to. While the server is away the cache stays as it is: old answers are better
 * than none, and everything that acts on them asks the server in the end.
 */
import { ApiStatusError } from "../wire/api-errors.ts";
import { Backoff, REFLECTOR_BACKOFF } from "../time/backoff.ts";
import { delay } from "../time/clock.ts";
import type { Indexers } from "./indexed-map.ts";
import { listAll } from "../wire/list.ts";
import type { Log } from "../log.ts";
import { ObjectCache } from "./object-cache.ts";
import type { KubeObject } from "../objects/objects.ts";
import { FIRST_STEP, type Step, stepAfterFailure } from "./reflector-step.ts";
import { type Scope, scopeText } from "../objects/scope.ts";
import type { Transport } from "../wire/transport.ts";
import { watch } from "../wire/watch.ts";

type ReflectorOptions<T> = {
  readonly log: Log;
  readonly indexers?: Indexers<T>;
};

/** Watches end on their own after 5 to 10 minutes, so that load spreads over API servers again. */
const WATCH_MIN_SECONDS = 300;
/** A watch that ends sooner than this, with nothing said, is a server in trouble. */
const SHORT_WATCH_MS = 1000;

export class Reflector<T extends KubeObject = KubeObject> {
  readonly cache: ObjectCache<T>;
  readonly scope: Scope<T>;
  readonly #transport: Transport;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #synced = Promise.withResolvers<void>();

  constructor(transport: Transport, scope: Scope<T>, { log, indexers }: ReflectorOptions<T>) {
    this.scope = scope;
    this.cache = new ObjectCache(log, indexers);
    this.#transport = transport;
    this.#log = log;
    this.#backoff = new Backoff(REFLECTOR_BACKOFF, transport.clock, transport.random);
  }

  get name(): string {
    return scopeText(this.scope);
  }

  /** Whether everything has been listed once. */
  get hasSynced(): boolean {
    return this.cache.resourceVersion !== undefined;
  }

  /** Resolves after the first list. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Resolves when the signal has aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let step = FIRST_STEP;
    while (!signal.aborted) {
      try {
        step =
          step.kind === "list" ? await this.#list(step, signal) : await this.#watch(step, signal);
      } catch (error) {
        if (signal.aborted) return;
        // A watch may have come a long way before it broke.
        const reached = step.kind === "watch" ? this.#watchStep() : step;
        step = stepAfterFailure(reached, error);
        await this.#pause(step, error, signal);
      }
    }
  }

  async #list({ from }: Step, signal: AbortSignal): Promise<Step> {
    const options = { resourceVersion: from, signal, retry: false };
    const { items, resourceVersion } = await listAll(this.#transport, this.scope, options);
    this.cache.replace(items, resourceVersion);
    this.#synced.resolve();
    return this.#watchStep();
  }

  async #watch({ from }: Step, signal: AbortSignal): Promise<Step> {
    const { clock, random } = this.#transport;
    const timeoutSeconds = Math.round(WATCH_MIN_SECONDS * (1 + random()));
    const startMs = clock.nowMs();
    let events = 0;
    const options = { resourceVersion: from, timeoutSeconds, signal };
    for await (const event of watch(this.#transport, this.scope, options)) {
      events += 1;
      this.#backoff.reset();
      if (event.type === "BOOKMARK") this.cache.advance(event.resourceVersion);
      else if (event.type === "DELETED") this.cache.remove(event.object);
      else this.cache.put(event.object);
    }
    if (events === 0 && clock.nowMs() - startMs < SHORT_WATCH_MS) {
      throw new Error("the watch ended at once, without an event");
    }
    return this.#watchStep();
  }

  #watchStep(): Step {
    return { kind: "watch", from: this.cache.resourceVersion ?? "" };
  }

  async #pause(next: Step, error: unknown, signal: AbortSignal): Promise<void> {
    const askedMs = error instanceof ApiStatusError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.max(this.#backoff.nextMs(), askedMs);
    this.#log.warn(`lost track of ${this.name}, going on with a ${next.kind}`, {
      waitMs: Math.round(waitMs),
      error: error instanceof Error ? error.message : error,
    });
    await delay(this.#transport.clock, waitMs, signal).catch(() => {});
  }
}
