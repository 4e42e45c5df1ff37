/**
 * Prometheus' query API, and the configuration with which it scrapes the containers.
 */
import { z } from "zod";

const Answer = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

type Sample = {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

export type Counts = Readonly<Record<string, number>>;

/** As often as it can: tests wait for the next look. */
export function prometheusConfig(hosts: readonly string[], port: number): string {
  const targets = hosts.map((host) => `${host}:${port}`);
  return JSON.stringify({
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: [{ job_name: "localmodel", static_configs: [{ targets }] }],
  });
}

export class Prometheus {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async query(expression: string): Promise<readonly Sample[]> {
    const query = new URLSearchParams({ query: expression });
    const response = await fetch(`${this.#url}/api/v1/query?${query.toString()}`);
    if (!response.ok)
      throw new Error(`Prometheus answered ${response.status}: ${await response.text()}`);
    const { data } = Answer.parse(await response.json());
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** Sums by the values of a label. */
  async by(label: string, expression: string): Promise<Counts> {
    const samples = await this.query(`sum by (${label}) (${expression})`);
    return Object.fromEntries(samples.map(({ labels, value }) => [labels[label] ?? "", value]));
  }

  /** Of an expression that gives one number; 0 while there is nothing to count. */
  async number(expression: string): Promise<number> {
    const [sample, ...more] = await this.query(expression);
    if (more.length > 0) throw new Error(`${expression} is ${more.length + 1} series, not one`);
    return sample?.value ?? 0;
  }
}
