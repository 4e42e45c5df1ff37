/**
 * Tokens per second of the model server over HTTP, against the library driven directly.
 *
 * Both run in turns on the same machine, each alone while it runs; the ratio is taken round by round,
 * so that a machine that gets slower slows both.
 */
import { ModelServer } from "../test/support/model-server.ts";
import { DirectLoop } from "./support/direct-loop.ts";
import { settings } from "./support/settings.ts";
import { median } from "./support/statistics.ts";
import { endlessPrompt, stream } from "./support/streaming-client.ts";
import { printTable, type Row } from "./support/table.ts";

const TOKENS = 128;
const CONTEXT_TOKENS = 1024;

const { path, threads, rounds } = await settings(7);

type Round = {
  readonly direct: number;
  readonly server: number;
  readonly clientCores: number;
};

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
  if (generated !== TOKENS * prompts.length) {
    throw new Error(`The server generated ${generated} tokens instead of ${TOKENS} per stream`);
  }
  return { rate: (1000 * generated) / durationMs, cores: (user + system) / 1000 / durationMs };
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
  const round = async (serverFirst: boolean): Promise<Round> => {
    const prompts = Array.from({ length: streams }, endlessPrompt);
    const early = serverFirst ? await overHttp(server, prompts) : undefined;
    const library = await direct.run({ prompts, tokens: TOKENS });
    const http = early ?? (await overHttp(server, prompts));
    const rate = (1000 * library.tokens) / library.durationMs;
    return { direct: rate, server: http.rate, clientCores: http.cores };
  };
  await round(true); // warm both up
  const measured: Round[] = [];
  for (let index = 0; index < rounds; index += 1) measured.push(await round(index % 2 === 0));
  const ratios = measured.map((one) => one.server / one.direct);
  return {
    streams,
    "direct tokens/s": median(measured.map((one) => one.direct)).toFixed(1),
    "server tokens/s": median(measured.map((one) => one.server)).toFixed(1),
    ratio: median(ratios).toFixed(3),
    "ratio min..max": `${Math.min(...ratios).toFixed(3)}..${Math.max(...ratios).toFixed(3)}`,
    "cores of the client": median(measured.map((one) => one.clientCores)).toFixed(3),
  };
}

const rows: Row[] = [];
for (const streams of [1, 4, 8]) rows.push(await measure(streams));
printTable(
  `Throughput: ${TOKENS} tokens a stream, greedy, ${threads} threads, ${rounds} rounds (ratio >= 0.95)`,
  rows,
);
