/**
 * Counters, gauges and histograms, and their text for Prometheus.
 *
 * The number of series has no bound of its own: label values must come from short lists (verbs, codes,
 * controllers), never from objects or clients.
 */

export type Labels = Readonly<Record<string, string>>;

type Sample = { readonly suffix: string; readonly labels: Labels; readonly value: number };
type Metric = {
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(): Iterable<Sample>;
};

class Series<T> {
  readonly #byLabels = new Map<string, { readonly labels: Labels; value: T }>();
  readonly #initial: () => T;

  constructor(initial: () => T) {
    this.#initial = initial;
  }

  of(labels: Labels): { value: T } {
    const key = labelText(labels);
    let found = this.#byLabels.get(key);
    if (found === undefined) {
      found = { labels, value: this.#initial() };
      this.#byLabels.set(key, found);
    }
    return found;
  }

  [Symbol.iterator]() {
    return this.#byLabels.values();
  }
}

export class Counter implements Metric {
  readonly type = "counter";
  readonly help: string;
  readonly #series = new Series(() => 0);

  constructor(help: string) {
    this.help = help;
  }

  /** By 0 to show a series before anything has happened. */
  add(labels: Labels, by = 1): void {
    this.#series.of(labels).value += by;
  }

  *samples(): Iterable<Sample> {
    for (const { labels, value } of this.#series) yield { suffix: "", labels, value };
  }
}

export class Gauge implements Metric {
  readonly type = "gauge";
  readonly help: string;
  readonly #series = new Series<() => number>(() => () => 0);

  constructor(help: string) {
    this.help = help;
  }

  set(labels: Labels, value: number): void {
    this.#series.of(labels).value = () => value;
  }

  /** Asks whenever somebody looks. */
  observe(labels: Labels, read: () => number): void {
    this.#series.of(labels).value = read;
  }

  *samples(): Iterable<Sample> {
    for (const { labels, value } of this.#series) yield { suffix: "", labels, value: value() };
  }
}

type Distribution = { readonly counts: number[]; count: number; sum: number };

export class Histogram implements Metric {
  readonly type = "histogram";
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #series: Series<Distribution>;

  constructor(help: string, bounds: readonly number[]) {
    this.help = help;
    this.#bounds = bounds;
    this.#series = new Series(() => ({ counts: bounds.map(() => 0), count: 0, sum: 0 }));
  }

  observe(labels: Labels, measured: number): void {
    const { value } = this.#series.of(labels);
    const bucket = this.#bounds.findIndex((bound) => measured <= bound);
    if (bucket >= 0) value.counts[bucket] = (value.counts[bucket] ?? 0) + 1;
    value.count += 1;
    value.sum += measured;
  }

  *samples(): Iterable<Sample> {
    for (const { labels, value } of this.#series) {
      let below = 0;
      for (const [index, bound] of this.#bounds.entries()) {
        below += value.counts[index] ?? 0;
        yield { suffix: "_bucket", labels: { ...labels, le: String(bound) }, value: below };
      }
      yield { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: value.count };
      yield { suffix: "_sum", labels, value: value.sum };
      yield { suffix: "_count", labels, value: value.count };
    }
  }
}

/** Asking twice for one name gives the same metric: queues and controllers share theirs. */
export class MetricRegistry {
  readonly #metrics = new Map<string, Metric>();

  counter(name: string, help: string): Counter {
    return this.#named(name, () => new Counter(help), Counter);
  }

  gauge(name: string, help: string): Gauge {
    return this.#named(name, () => new Gauge(help), Gauge);
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.#named(name, () => new Histogram(help, bounds), Histogram);
  }

  /** The Prometheus text format, version 0.0.4. */
  render(): string {
    const lines: string[] = [];
    for (const [name, metric] of this.#metrics) {
      lines.push(`# HELP ${name} ${metric.help}`, `# TYPE ${name} ${metric.type}`);
      for (const { suffix, labels, value } of metric.samples()) {
        lines.push(`${name}${suffix}${labelText(labels)} ${numberText(value)}`);
      }
    }
    return `${lines.join("\n")}\n`;
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

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
