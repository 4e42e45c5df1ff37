/**
 * Decides which occurrences become events: a cluster must not drown in what a crash loop has to say.
 *
 * The same thing about the same object again is not a new event but a higher count in a series. The
 * second time is written at once, because it is news; from then on only now and then, and once more when
 * the series ends. And about one object there is only so much to say: 25 events, and one more every five
 * minutes. The numbers are client-go's.
 */
import type { Clock } from "../time/clock.ts";
import type { KubeEvent, ObjectReference } from "./event.ts";
import { microTime } from "../time/micro-time.ts";
import { TokenBucket } from "../time/token-bucket.ts";

export type EventWrite =
  | { readonly kind: "create"; readonly event: KubeEvent }
  | { readonly kind: "update"; readonly event: KubeEvent };

type Series = {
  readonly event: KubeEvent;
  count: number;
  lastMs: number;
  lastTime: string;
  /** What the API server knows. */
  writtenCount: number;
  writtenMs: number;
};

const SERIES_ENDS_AFTER_MS = 6 * 60_000;
const REFRESH_MS = 30 * 60_000;
const MAX_KNOWN = 4096;
const SPAM_LIMIT = { perSecond: 1 / 300, burst: 25 };

export class EventCorrelator {
  readonly #clock: Clock;
  /** Oldest first, both. */
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What to write about this now; undefined for nothing. */
  observe(event: KubeEvent): EventWrite | undefined {
    const key = seriesKey(event);
    const known = this.#series.get(key);
    const nowMs = this.#clock.nowMs();
    if (known !== undefined && nowMs - known.lastMs < SERIES_ENDS_AFTER_MS) {
      known.count += 1;
      known.lastMs = nowMs;
      known.lastTime = microTime(this.#clock.date());
      return known.count === 2 ? this.#update(known) : undefined;
    }
    if (!this.#bucketOf(event).tryTake(this.#clock.nowMs())) return undefined;
    const lastTime = event.eventTime;
    const fresh = { count: 1, lastMs: nowMs, writtenCount: 1, writtenMs: nowMs };
    remember(this.#series, key, { event, lastTime, ...fresh });
    return { kind: "create", event };
  }

  /** What to write although nothing has happened: long series, and those that have ended. Call it often. */
  sweep(): readonly EventWrite[] {
    const nowMs = this.#clock.nowMs();
    const writes: EventWrite[] = [];
    for (const [key, series] of this.#series) {
      const hasEnded = nowMs - series.lastMs >= SERIES_ENDS_AFTER_MS;
      const isDue = hasEnded || nowMs - series.writtenMs >= REFRESH_MS;
      if (isDue && series.count > series.writtenCount) writes.push(this.#update(series));
      if (hasEnded) this.#series.delete(key);
    }
    return writes;
  }

  /** Everything counted and not written yet. */
  flush(): readonly EventWrite[] {
    const behind = [...this.#series.values()].filter(
      ({ count, writtenCount }) => count > writtenCount,
    );
    return behind.map((series) => this.#update(series));
  }

  #update(series: Series): EventWrite {
    series.writtenCount = series.count;
    series.writtenMs = this.#clock.nowMs();
    const told = { count: series.count, lastObservedTime: series.lastTime };
    return { kind: "update", event: { ...series.event, series: told } };
  }

  #bucketOf({ regarding }: KubeEvent): TokenBucket {
    const key = referenceKey(regarding);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(SPAM_LIMIT, this.#clock.nowMs());
    remember(this.#buckets, key, bucket);
    return bucket;
  }
}

/** Puts it last, and lets the first go when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_KNOWN) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/** Not the note: percentages and addresses in it would make every repetition an event of its own. */
function seriesKey({ type, action, reason, regarding, related }: KubeEvent): string {
  const to = related === undefined ? "" : referenceKey(related);
  return JSON.stringify([type, action, reason, referenceKey(regarding), to]);
}

function referenceKey({ apiVersion, kind, namespace, name, uid }: ObjectReference): string {
  return JSON.stringify([apiVersion, kind, namespace, name, uid]);
}
