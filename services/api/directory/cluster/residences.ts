/**
 * Listens to the servers of models that sleep while their pods stay: a stream of each says whether its weights are in memory.
 *
 * What was said stays until the stream ends. Then nobody can tell, and the server is taken for awake: if it is not, it
 * holds requests itself; if it is gone, its slice will say so.
 */
import { isDeepStrictEqual } from "node:util";
import type { Log } from "@localmodel/kube/log.ts";
import { type Clock, systemClock } from "@localmodel/kube/time/clock.ts";
import { listenTo } from "@localmodel/kube/wire/line-stream.ts";
import {
  parseResidence,
  type Residence,
  RESIDENCE_LINE_MAX_BYTES,
  RESIDENCE_PATH,
} from "@localmodel/localmodel/contracts/residence.ts";

type Options = {
  /** What to show to the servers of a LocalModel. */
  readonly headersFor: (server: string) => Readonly<Record<string, string>>;
  /** What is known of one of its servers has changed. */
  readonly onChange: (server: string) => void;
  readonly log: Log;
  readonly clock?: Clock;
};

type Followed = { readonly stop: AbortController; said?: Residence };

export class Residences implements Disposable {
  readonly #options: Options;
  readonly #followed = new Map<string, Followed>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Undefined while it has not said anything. */
  of(url: string): Residence | undefined {
    return this.#followed.get(url)?.said;
  }

  /** From now on exactly these URLs, each with its LocalModel. */
  follow(servers: ReadonlyMap<string, string>): void {
    for (const [url, { stop }] of this.#followed) {
      if (servers.has(url)) continue;
      this.#followed.delete(url);
      stop.abort();
    }
    for (const [url, server] of servers) if (!this.#followed.has(url)) this.#listen(url, server);
  }

  [Symbol.dispose](): void {
    this.follow(new Map());
  }

  #listen(url: string, server: string): void {
    const { headersFor, onChange, log, clock = systemClock } = this.#options;
    const stop = new AbortController();
    const followed: Followed = { stop };
    this.#followed.set(url, followed);
    const say = (said: Residence): void => {
      if (stop.signal.aborted || isDeepStrictEqual(said, followed.said)) return;
      followed.said = said;
      onChange(server);
    };
    const listener = {
      url: `${url}${RESIDENCE_PATH}`,
      headers: headersFor(server),
      lineMaxBytes: RESIDENCE_LINE_MAX_BYTES,
      parse: parseResidence,
      hear: say,
      lose: (error: unknown) => {
        // Once, however often it is tried.
        if (followed.said?.state !== "awake")
          log.debug("a model server does not say whether it sleeps", { url, error });
        say({ state: "awake" });
      },
      clock,
    };
    void listenTo(listener, stop.signal);
  }
}
