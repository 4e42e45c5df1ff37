/**
 * The work that both sides are given. Every workload returns one number of which more is better or less is better, and
 * checks that what it was answered is real.
 */
import { percentile } from "../support/statistics.ts";
import { endlessPrompt, stream, type StreamResult } from "../support/streaming-client.ts";

export type Workload = {
  readonly name: string;
  readonly better: "more" | "less";
  readonly measure: (url: string) => Promise<number>;
};

type Streamed = StreamResult & { readonly startedMs: number };

async function streams(url: string, prompts: readonly string[], body: object): Promise<Streamed[]> {
  return Promise.all(
    prompts.map(async (prompt) => {
      const startedMs = performance.now();
      const asked = { model: "test-model", temperature: 0, ignore_eos: true, prompt, ...body };
      const result = await stream(url, asked);
      if (result.status !== 200 || result.arrivalsMs.length === 0) {
        throw new Error(`${url} answered ${result.status} without text`);
      }
      return { ...result, startedMs };
    }),
  );
}

const prompts = (count: number): readonly string[] => Array.from({ length: count }, endlessPrompt);

/** About so many words, which no other prompt begins with. */
export function longPrompt(tokens: number): string {
  const words = "the quick brown fox jumps over a lazy dog while seven wizards quietly make gin";
  const text = `${Math.random()} ${`${words} `.repeat(Math.ceil(tokens / 15))}`;
  return text.split(" ").slice(0, tokens).join(" ");
}

/** Fields of a request, by what to call them. */
const ASKED = {
  "with logprobs": { logprobs: 3 },
  "at temperature 1": { temperature: 1, top_k: 0, top_p: 1, min_p: 0 },
  "at top p 0.95": { temperature: 1, top_k: 0, top_p: 0.95, min_p: 0 },
};

/** Tokens per second while every stream has tokens. */
export function decoding(count: number, tokens: number, asked?: keyof typeof ASKED): Workload {
  const body = asked === undefined ? {} : ASKED[asked];
  return {
    name: `tokens/s, ${count} streams${asked === undefined ? "" : ` ${asked}`}`,
    better: "more",
    measure: async (url) => {
      const results = await streams(url, prompts(count), { max_tokens: tokens, ...body });
      const arrivals = results.flatMap(({ arrivalsMs }) => arrivalsMs);
      const from = Math.max(...results.map(({ arrivalsMs: [first = 0] }) => first));
      const to = Math.min(...results.map(({ arrivalsMs }) => arrivalsMs.at(-1) ?? 0));
      return (1000 * arrivals.filter((at) => at > from && at <= to).length) / (to - from);
    },
  };
}

export function firstTokens(count: number): Workload {
  return {
    name: `time to first token, p50 of ${count} short prompts`,
    better: "less",
    measure: async (url) => percentile(firstMs(await streams(url, prompts(count), SHORT)), 0.5),
  };
}

export function firstTokenOf(promptTokens: number): Workload {
  return {
    name: `time to first token of ${promptTokens} words`,
    better: "less",
    measure: async (url) => firstMs(await streams(url, [longPrompt(promptTokens)], SHORT))[0] ?? 0,
  };
}

const SHORT = { max_tokens: 4 };

function firstMs(results: readonly Streamed[]): readonly number[] {
  return results.map(({ startedMs, arrivalsMs: [first = Number.NaN] }) => first - startedMs);
}

export function gaps(count: number, tokens: number): Workload {
  return {
    name: `gap between tokens, p99, ${count} streams`,
    better: "less",
    measure: async (url) =>
      percentile(gapsOf(await streams(url, prompts(count), { max_tokens: tokens })), 0.99),
  };
}

/** Of running streams, while a long prompt is evaluated beside them. */
export function disturbedGaps(count: number, tokens: number, promptTokens: number): Workload {
  return {
    name: `gap, p99, ${count} streams beside a prompt of ${promptTokens} words`,
    better: "less",
    measure: async (url) => {
      const running = streams(url, prompts(count), { max_tokens: tokens });
      const beside = async (): Promise<void> => {
        await streams(url, [endlessPrompt()], { max_tokens: 8 });
        await streams(url, [longPrompt(promptTokens)], { max_tokens: 1 });
      };
      const [results] = await Promise.all([running, beside()]);
      return percentile(gapsOf(results), 0.99);
    },
  };
}

function gapsOf(results: readonly Streamed[]): readonly number[] {
  return results.flatMap(({ arrivalsMs }) =>
    arrivalsMs.slice(1).map((at, index) => at - (arrivalsMs[index] ?? at)),
  );
}

/** How much longer four answers to one prompt take than one. */
export function choices(promptTokens: number, tokens: number): Workload {
  return {
    name: `n=4 on a prompt of ${promptTokens} words, ms`,
    better: "less",
    measure: async (url) => {
      const before = performance.now();
      const body = { model: "test-model", n: 4, max_tokens: tokens, ignore_eos: true };
      const answer = await post(url, "/v1/completions", {
        ...body,
        prompt: longPrompt(promptTokens),
      });
      if ((answer["choices"] as unknown[]).length !== 4) throw new Error("Not four choices");
      return performance.now() - before;
    },
  };
}

const FUNCTION = `export function total(items) {
  let sum = 0;
  for (const item of items) {
    if (item.price > 0) {
      sum += item.price * item.count;
    }
  }
  return sum;
}
`;
const PASSAGE =
  "The lighthouse at the mouth of the river was built of grey stone in the year of the great storm. " +
  "Its keeper lit the lamp every evening and wrote the weather and the ships into a book with a red cover. ";

/** Texts of which some repeat what they were asked with, and some do not. */
export const TEXTS = {
  "code that is edited": `Here is a file:\n${FUNCTION}\nHere is the same file again:\n${FUNCTION}\nHere is the same file again:\n`,
  "a passage that is quoted": `Passage: ${PASSAGE}\nQuote: ${PASSAGE}\nPassage: ${PASSAGE}\nQuote:`,
  "a story": "Once upon a time in a land far away there was",
  numbers: "1003, 1004, 1005, 1006, 1007,",
} as const;

/** Tokens per second of an answer to one of these texts. */
export function writing(text: keyof typeof TEXTS, tokens: number): Workload {
  return {
    name: `tokens/s, ${text}`,
    better: "more",
    measure: async (url) => {
      const prompt = `${Math.random()}\n${TEXTS[text]}`;
      const [result] = await streams(url, [prompt], { max_tokens: tokens });
      const { arrivalsMs = [], completionTokens = 0 } = result ?? {};
      return (1000 * (completionTokens - 1)) / ((arrivalsMs.at(-1) ?? 0) - (arrivalsMs[0] ?? 0));
    },
  };
}

/** Milliseconds until the first token of this very prompt. */
export async function firstTokenMs(url: string, prompt: string): Promise<number> {
  return firstMs(await streams(url, [prompt], { max_tokens: 1 }))[0] ?? Number.NaN;
}

/** Inputs per second, one request with one input after another. */
export function oneByOne(requests: number, words: number): Workload {
  return {
    name: `embeddings/s, 1 input of ${words} words after another`,
    better: "more",
    measure: async (url) => {
      const before = performance.now();
      for (let request = 0; request < requests; request += 1) {
        await post(url, "/v1/embeddings", { model: "test-model", input: longPrompt(words) });
      }
      return (1000 * requests) / (performance.now() - before);
    },
  };
}

/** Inputs per second of `clients` that each send one request with so many inputs of so many words. */
export function embeddings(clients: number, inputs: number, words: number): Workload {
  return {
    name: `embeddings/s, ${clients} x ${inputs} inputs of ${words} words`,
    better: "more",
    measure: async (url) => {
      const before = performance.now();
      await Promise.all(
        Array.from({ length: clients }, async () => {
          const input = Array.from({ length: inputs }, () => longPrompt(words));
          const answer = await post(url, "/v1/embeddings", { model: "test-model", input });
          if ((answer["data"] as unknown[]).length !== inputs)
            throw new Error("Vectors are missing");
        }),
      );
      return (1000 * clients * inputs) / (performance.now() - before);
    },
  };
}

async function post(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
