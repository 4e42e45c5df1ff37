/**
 * What a long prompt does to streams that are running: the time between their tokens while a prompt of
 * 1500 tokens is evaluated, against the time between their tokens when nobody disturbs them.
 */
import { ModelServer } from "../test/support/model-server.ts";
import { settings } from "./support/settings.ts";
import { median, percentile } from "./support/statistics.ts";
import { endlessPrompt, stream } from "./support/streaming-client.ts";
import { printTable } from "./support/table.ts";

const STREAMS = 4;
const PROMPT_TOKENS = 1500;
/** Tokens every stream has behind it when the watching begins. */
const SETTLED_TOKENS = 16;
const UNDISTURBED_TOKENS = 150;
/** More than a stream can have when the watching ends. */
const MAX_TOKENS = 3000;

const { path, threads, rounds } = await settings(5);
await using server = await ModelServer.ready({
  weightsPath: path,
  engine: { slots: STREAMS + 1, contextTokens: 4096, threads },
});

type Window = { readonly gapsMs: readonly number[]; readonly durationMs: number };

/** The gaps between tokens of all streams while `meanwhile` lasts. */
async function watch(meanwhile: (tokens: () => number) => Promise<unknown>): Promise<Window> {
  const stop = new AbortController();
  const counts = Array.from({ length: STREAMS }, () => 0);
  const settled = Promise.withResolvers<undefined>();
  const body = { model: server.modelId, temperature: 0, max_tokens: MAX_TOKENS };
  const running = counts.map((_, index) =>
    stream(
      server.url,
      { ...body, prompt: endlessPrompt() },
      {
        signal: stop.signal,
        onEvent: (count) => {
          counts[index] = count;
          if (Math.min(...counts) >= SETTLED_TOKENS) settled.resolve(undefined);
        },
      },
    ),
  );
  await settled.promise;
  const from = performance.now();
  await meanwhile(() => Math.min(...counts));
  const to = performance.now();
  stop.abort();
  const results = await Promise.all(running);
  if (results.some(({ arrivalsMs }) => arrivalsMs.length >= MAX_TOKENS)) {
    throw new Error("A stream ended while it was watched");
  }
  const gapsMs = results.flatMap(({ arrivalsMs }) =>
    arrivalsMs
      .map((at, index) => ({ at, gap: at - (arrivalsMs[index - 1] ?? at) }))
      .filter(({ at, gap }) => at - gap >= from && at <= to)
      .map(({ gap }) => gap),
  );
  return { gapsMs, durationMs: to - from };
}

async function untilTokens(tokens: () => number): Promise<void> {
  const target = tokens() + UNDISTURBED_TOKENS;
  while (tokens() < target) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** "N," is a few tokens; the server says how many it really was. */
async function longPrompt(): Promise<number> {
  const prompt = Array.from({ length: PROMPT_TOKENS / 5 }, () =>
    Math.floor(1000 + Math.random() * 9000),
  ).join(",");
  const body = { model: server.modelId, prompt, max_tokens: 1, temperature: 0 };
  return (await stream(server.url, body)).promptTokens;
}

const alone: Window[] = [];
const disturbed: Window[] = [];
const promptTokens: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  alone.push(await watch(untilTokens));
  disturbed.push(await watch(async () => promptTokens.push(await longPrompt())));
}

const row = (name: string, windows: readonly Window[]) => {
  const gaps = windows.flatMap(({ gapsMs }) => gapsMs);
  return {
    streams: name,
    gaps: gaps.length,
    "p50 ms": median(gaps).toFixed(1),
    "p99 ms": percentile(gaps, 0.99).toFixed(1),
    "max ms": Math.max(...gaps).toFixed(1),
  };
};
const p99 = (windows: readonly Window[]) =>
  percentile(
    windows.flatMap(({ gapsMs }) => gapsMs),
    0.99,
  );
printTable(
  `Interference: ${STREAMS} streams, a prompt of ${median(promptTokens)} tokens, ${threads} threads, ${rounds} rounds`,
  [row("undisturbed", alone), row("prompt arrives", disturbed)],
);
console.log(`\np99 ratio ${(p99(disturbed) / p99(alone)).toFixed(2)} (<= 3)`);
const promptMs = median(disturbed.map(({ durationMs }) => durationMs));
console.log(`the prompt's own first token after ${promptMs.toFixed(0)} ms (median)`);
