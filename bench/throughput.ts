/**
 * Tokens per second of the model server over HTTP, against the library driven directly.
 *
 * Both run in turns on the same machine, each alone while it runs; the ratio is taken round by round,
 * so that a machine that gets slower slows both.
 */
import { ModelServer } from "../test/support/model-server.ts";
import { DirectLoop, type DirectResult } from "./support/direct-loop.ts";
import { settings } from "./support/settings.ts";
import { median } from "./support/statistics.ts";
import { endlessPrompt, stream, type StreamResult } from "./support/streaming-client.ts";
import { printTable, type Row } from "./support/table.ts";

const CONTEXT_TOKENS = 1024;

/** A model may end a stream on its own; the round is then taken again with other prompts. */
const ATTEMPTS_MAX = 5;

const { path, threads, rounds, streams: streamCounts, tokens: TOKENS } = await settings(7);

/** Tokens per second: from request to last token, and while every stream has tokens. */
type Rates = { readonly whole: number; readonly steady: number };
type Round = { readonly direct: Rates; readonly server: Rates; readonly clientCores: number };

async function overHttp(server: ModelServer, prompts: readonly string[]) {
  const body = { model: server.modelId, max_tokens: TOKENS, temperature: 0 };
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const results = await Promise.all(
    prompts.map((prompt) => stream(server.url, { ...body, prompt })),
  );
  const durationMs = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  const generated = results.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  if (generated !== TOKENS * prompts.length) return undefined;
  const rates = { whole: (1000 * generated) / durationMs, steady: steadyRate(results) };
  return { rates, cores: (user + system) / 1000 / durationMs };
}

function steadyRate(results: readonly StreamResult[]): number {
  const from = Math.max(...results.map(({ arrivalsMs }) => arrivalsMs[0] ?? Number.NaN));
  const to = Math.min(...results.map(({ arrivalsMs }) => arrivalsMs.at(-1) ?? Number.NaN));
  const arrivals = results.flatMap(({ arrivalsMs }) => arrivalsMs);
  return (1000 * arrivals.filter((at) => at > from && at <= to).length) / (to - from);
}

function ratesOf({ tokens, durationMs, promptMs }: DirectResult, streams: number): Rates {
  return {
    whole: (1000 * tokens) / durationMs,
    steady: (1000 * (tokens - streams)) / (durationMs - promptMs),
  };
}

async function measure(streams: number): Promise<Row> {
  await using server = await ModelServer.ready({
    weightsPath: path,
    engine: { slots: streams, contextTokens: CONTEXT_TOKENS, threads },
  });
  await using direct = await DirectLoop.start({
    path,
    sequences: streams,
    contextTokens: CONTEXT_TOKENS,
    threads,
  });
  const attempt = async (serverFirst: boolean): Promise<Round | undefined> => {
    const prompts = Array.from({ length: streams }, endlessPrompt);
    const early = serverFirst ? await overHttp(server, prompts) : undefined;
    const library = await direct.run({ prompts, tokens: TOKENS });
    const http = serverFirst ? early : await overHttp(server, prompts);
    return (
      http && { direct: ratesOf(library, streams), server: http.rates, clientCores: http.cores }
    );
  };
  const round = async (serverFirst: boolean): Promise<Round> => {
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
      const result = await attempt(serverFirst);
      if (result !== undefined) return result;
    }
    throw new Error(`In ${ATTEMPTS_MAX} rounds a stream ended before ${TOKENS} tokens`);
  };
  await round(true); // warm both up
  const measured: Round[] = [];
  for (let index = 0; index < rounds; index += 1) measured.push(await round(index % 2 === 0));
  const figure = (pick: (round: Round) => number, digits = 1) =>
    median(measured.map(pick)).toFixed(digits);
  const range = (pick: (round: Round) => number) => {
    const values = measured.map(pick);
    return `${Math.min(...values).toFixed(2)}..${Math.max(...values).toFixed(2)}`;
  };
  return {
    streams,
    "direct t/s": figure(({ direct: library }) => library.whole),
    "server t/s": figure(({ server: http }) => http.whole),
    ratio: figure((one) => one.server.whole / one.direct.whole, 3),
    range: range((one) => one.server.whole / one.direct.whole),
    "steady: direct": figure(({ direct: library }) => library.steady),
    server: figure(({ server: http }) => http.steady),
    "steady ratio": figure((one) => one.server.steady / one.direct.steady, 3),
    "client cores": figure(({ clientCores }) => clientCores, 3),
  };
}

const rows: Row[] = [];
for (const streams of streamCounts) rows.push(await measure(streams));
printTable(
  `Throughput: ${TOKENS} tokens a stream, greedy, ${threads} threads, ${rounds} rounds (ratio >= 0.95)`,
  rows,
);
