/**
 * Tokens per second of the model server over HTTP, against the library driven directly.
 *
 * Both run in turns on the same machine, each alone while it runs; the ratio is taken round by round,
 * so that a machine that gets slower slows both.
 */
import { parseArgs } from "node:util";
import { ModelServer } from "../test/support/model-server.ts";
import { smollm2Path } from "../test/support/smollm2.ts";
import { DirectLoop } from "./support/direct-loop.ts";
import { median } from "./support/statistics.ts";
import { endlessPrompt, stream } from "./support/streaming-client.ts";
import { printTable, type Row } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    streams: { type: "string", default: "1,4,8" },
    tokens: { type: "string", default: "128" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
  },
});
const path = values.model ?? (await smollm2Path());
const [tokens, rounds, threads] = [values.tokens, values.rounds, values.threads].map(Number) as [
  number,
  number,
  number,
];
const CONTEXT_TOKENS = 1024;

type Round = { direct: number; server: number; clientCpu: number };

async function overHttp(server: ModelServer, prompts: readonly string[]) {
  const body = { model: server.modelId, max_tokens: tokens, temperature: 0 };
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const results = await Promise.all(
    prompts.map((prompt) => stream(server.url, { ...body, prompt })),
  );
  const durationMs = performance.now() - before;
  const { user, system } = process.cpuUsage(cpuBefore);
  const generated = results.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  if (generated !== tokens * prompts.length) {
    throw new Error(`The server generated ${generated} tokens instead of ${tokens} per stream`);
  }
  return { rate: (1000 * generated) / durationMs, cpu: (user + system) / 1000 / durationMs };
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
    const first = serverFirst ? await overHttp(server, prompts) : undefined;
    const library = await direct.run({ prompts, tokens });
    const http = first ?? (await overHttp(server, prompts));
    const directRate = (1000 * library.tokens) / library.durationMs;
    return { direct: directRate, server: http.rate, clientCpu: http.cpu };
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
    "client CPU, cores": median(measured.map((one) => one.clientCpu)).toFixed(3),
  };
}

const rows: Row[] = [];
for (const streams of values.streams.split(",").map(Number)) rows.push(await measure(streams));
printTable(
  `Throughput: ${tokens} tokens a stream, greedy, ${threads} threads, ${rounds} rounds (ratio >= 0.95)`,
  rows,
);
