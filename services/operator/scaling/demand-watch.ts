/**
 * Listens to every API pod that there is: one connection each, begun and ended as the slices of their Service change.
 *
 * Only who leads listens, since nobody else acts on it.
 */
import type { ObjectCache } from "@localmodel/kube/cache/object-cache.ts";
import type { Log } from "@localmodel/kube/log.ts";
import type { EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";
import type { Clock } from "@localmodel/kube/time/clock.ts";
import { listenTo } from "@localmodel/kube/wire/line-stream.ts";
import {
  DEMAND_LINE_MAX_BYTES,
  DEMAND_PATH,
  type DemandPicture,
  parseDemandPicture,
} from "@localmodel/localmodel/contracts/demand.ts";
import { type ApiPod, apiPods } from "./api-pods.ts";
import type { DemandView } from "./demand-view.ts";

type DemandWatchOptions = {
  readonly slices: ObjectCache<EndpointSlice>;
  readonly port: number;
  readonly view: DemandView;
  /** Unix time, by a clock that does not jump. */
  readonly nowMs: () => number;
  /** Demand for these models has changed; "all": it has become whole, or is no longer. */
  readonly onChange: (keys: readonly string[] | "all") => void;
  readonly clock: Clock;
  readonly log: Log;
};

type Listening = { readonly url: string; readonly stop: AbortController; isLost: boolean };

export class DemandWatch {
  readonly #options: DemandWatchOptions;
  readonly #listening = new Map<string, Listening>();

  constructor(options: DemandWatchOptions) {
    this.#options = options;
  }

  /** Until `stop` aborts. `token`: what is shown to API pods. */
  start(token: string | undefined, stop: AbortSignal): void {
    const { slices, port } = this.#options;
    const follow = (): void => {
      if (!stop.aborted) this.#follow(apiPods(slices.list(), { port, path: DEMAND_PATH }), token);
    };
    slices.listen(follow);
    follow();
    stop.addEventListener("abort", () => this.#follow([], token), { once: true });
  }

  #follow(pods: readonly ApiPod[], token: string | undefined): void {
    this.#changing(({ view }) => view.setPods(pods));
    const urls = new Map(pods.map(({ id, url }) => [id, url]));
    for (const [id, { url, stop }] of this.#listening) {
      if (urls.get(id) === url) continue;
      this.#listening.delete(id);
      stop.abort();
    }
    for (const [id, url] of urls) {
      if (!this.#listening.has(id)) this.#listen(id, url, token);
    }
  }

  #listen(id: string, url: string, token: string | undefined): void {
    const { clock, log } = this.#options;
    const listening: Listening = { url, stop: new AbortController(), isLost: false };
    this.#listening.set(id, listening);
    const { signal } = listening.stop;
    const hear = (picture: DemandPicture): void => {
      if (signal.aborted) return;
      listening.isLost = false;
      this.#changing(({ view, nowMs }) => view.hear(id, picture, nowMs()));
    };
    const lose = (error: unknown, isRefused: boolean): void => {
      if (signal.aborted) return;
      // Once, however often it is tried.
      if (!listening.isLost)
        log.warn("an API pod is not heard, so nothing is scaled down", { url, error });
      listening.isLost = true;
      this.#changing(({ view }) => view.lose(id, isRefused));
    };
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const lines = { lineMaxBytes: DEMAND_LINE_MAX_BYTES, parse: parseDemandPicture };
    void listenTo({ url, headers, ...lines, hear, lose, clock }, signal);
  }

  #changing(change: (options: DemandWatchOptions) => readonly string[]): void {
    const { view, onChange } = this.#options;
    const wasWhole = view.isWhole;
    const keys = change(this.#options);
    if (view.isWhole !== wasWhole) onChange("all");
    else if (keys.length > 0) onChange(keys);
  }
}
