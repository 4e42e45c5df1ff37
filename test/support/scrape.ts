/** Reads `/metrics` as Prometheus does, of a process that says in its log where it serves them. */
import { eventually } from "./eventually.ts";

export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

/** `output` is what the process has written so far. */
export async function metricsUrl(output: () => string): Promise<string> {
  return eventually("it says where metrics are", () => {
    const [, port] = /"port":(\d+)[^\n]*"message":"serving metrics"/.exec(output()) ?? [];
    if (port === undefined) throw new Error(output());
    return `http://127.0.0.1:${port}/metrics`;
  });
}

export async function scrape(url: string): Promise<readonly Sample[]> {
  const response = await fetch(url);
  return (await response.text()).split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^([^#{ ][^{ ]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = Array.from(labels.matchAll(/([a-z0-9_]+)="((?:[^"\\]|\\.)*)"/gi));
    return [
      {
        name,
        labels: Object.fromEntries(pairs.map(([, key = "", text = ""]) => [key, text])),
        value: Number(value),
      },
    ];
  });
}

/** The sum of all samples with this name and at least these labels. */
export function total(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) =>
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}
