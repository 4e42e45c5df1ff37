/**
 * Counters, gauges and histograms. One registry holds those of a process, for Prometheus to read (exposition.ts) and
 * for a collector to be sent (metric-producer.ts).
 *
 * Names are OpenTelemetry's, with dots, or Prometheus' own. The number of series of a metric is bounded: label values
 * should come from short lists (codes, routes, models that exist), and when they do not, what comes after the first
 * thousand is counted together, marked as such.
 */
import type { Span } from "../spans/span.ts";

export type Labels = Readonly<Record<string, string>>;

type MetricOptions = {
  /** Of UCUM, such as "s" or "By". */
  readonly unit?: string;
};

/** A measurement that a trace explains. */
export type Exemplar = {
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly atMs: number;
};

export type Distribution = {
  readonly counts: number[];
  /** The latest of each bucket, the one above all bounds last. */
  readonly exemplars: (Exemplar | undefined)[];
  count: number;
  sum: number;
};

export type Point<Value> = { readonly labels: Labels; readonly value: Value };

export type Metric = Counter | Gauge | Histogram;

const SERIES_MAX = 1000;
/** The name that OpenTelemetry gives to what is beyond the bound. */
const OVERFLOW: Labels = { "otel.metric.overflow": "true" };

class Series<Value> {
  readonly #byLabels = new Map<string, { readonly labels: Labels; value: Value }>();
  readonly #initial: () => Value;

  constructor(initial: () => Value) {
    this.#initial = initial;
  }

  of(labels: Labels): { value: Value } {
    const key = keyOf(labels);
    return (
      this.#byLabels.get(key) ??
      (this.#byLabels.size < SERIES_MAX || labels === OVERFLOW
        ? this.#add(key, labels)
        : this.of(OVERFLOW))
    );
  }

  [Symbol.iterator]() {
    return this.#byLabels.values();
  }

  #add(key: string, labels: Labels): { value: Value } {
    const added = { labels, value: this.#initial() };
    this.#byLabels.set(key, added);
    return added;
  }
}

function keyOf(labels: Labels): string {
  let key = "";
  for (const name in labels) key += `${name}\u0000${labels[name] ?? ""}\u0001`;
  return key;
}

abstract class Named {
  readonly name: string;
  readonly help: string;
  readonly unit: string;

  constructor(name: string, help: string, { unit = "" }: MetricOptions = {}) {
    this.name = name;
    this.help = help;
    this.unit = unit;
  }
}

class Counter extends Named {
  readonly type = "counter";
  readonly #series = new Series(() => 0);
  readonly #readers: { readonly labels: Labels; readonly read: () => number }[] = [];

  /** By 0 to show a series before anything has happened. */
  add(labels: Labels, by = 1): void {
    this.#series.of(labels).value += by;
  }

  /** For what somebody else counts. */
  observe(labels: Labels, read: () => number): void {
    this.#readers.push({ labels, read });
  }

  *points(): Iterable<Point<number>> {
    yield* this.#series;
    for (const { labels, read } of this.#readers) yield { labels, value: read() };
  }
}

class Gauge extends Named {
  readonly type = "gauge";
  readonly #series = new Series<() => number>(() => () => 0);
  readonly #readers: (() => Iterable<Point<number>>)[] = [];

  set(labels: Labels, value: number): void {
    this.#series.of(labels).value = () => value;
  }

  /** Asks whenever somebody looks. */
  observe(labels: Labels, read: () => number): void {
    this.#series.of(labels).value = read;
  }

  /** The same for series that come and go. */
  observeAll(read: () => Iterable<Point<number>>): void {
    this.#readers.push(read);
  }

  *points(): Iterable<Point<number>> {
    for (const { labels, value } of this.#series) yield { labels, value: value() };
    let left = SERIES_MAX;
    for (const read of this.#readers) {
      for (const point of read()) {
        if (left === 0) return;
        left -= 1;
        yield point;
      }
    }
  }
}

class Histogram extends Named {
  readonly type = "histogram";
  readonly bounds: readonly number[];
  readonly #series: Series<Distribution>;

  constructor(name: string, help: string, bounds: readonly number[], options?: MetricOptions) {
    super(name, help, options);
    this.bounds = bounds;
    this.#series = new Series(() => newDistribution(bounds.length));
  }

  /** `span` is where this measurement comes from. */
  observe(labels: Labels, measured: number, span?: Span): void {
    const { value } = this.#series.of(labels);
    const found = this.bounds.findIndex((bound) => measured <= bound);
    const bucket = found === -1 ? this.bounds.length : found;
    value.counts[bucket] = (value.counts[bucket] ?? 0) + 1;
    value.count += 1;
    value.sum += measured;
    if (span?.isRecording !== true) return;
    const { traceId, spanId } = span;
    value.exemplars[bucket] = { value: measured, traceId, spanId, atMs: Date.now() };
  }

  points(): Iterable<Point<Distribution>> {
    return this.#series;
  }
}

function newDistribution(bounds: number): Distribution {
  return { counts: Array<number>(bounds + 1).fill(0), exemplars: [], count: 0, sum: 0 };
}

/** Asking twice for one name gives the same metric: queues and controllers share theirs. */
export class MetricRegistry {
  readonly startMs = Date.now();
  readonly #metrics = new Map<string, Metric>();

  counter(name: string, help: string, options?: MetricOptions): Counter {
    return this.#named(name, () => new Counter(name, help, options), Counter);
  }

  gauge(name: string, help: string, options?: MetricOptions): Gauge {
    return this.#named(name, () => new Gauge(name, help, options), Gauge);
  }

  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    options?: MetricOptions,
  ): Histogram {
    return this.#named(name, () => new Histogram(name, help, bounds, options), Histogram);
  }

  [Symbol.iterator]() {
    return this.#metrics.values();
  }

  #named<T extends Metric>(name: string, make: () => T, kind: abstract new (...a: never[]) => T) {
    const found = this.#metrics.get(name);
    if (found instanceof kind) return found;
    if (found !== undefined) throw new Error(`the metric ${name} is a ${found.type}`);
    const made = make();
    this.#metrics.set(name, made);
    return made;
  }
}
