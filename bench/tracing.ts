/**
 * What tracing costs when every request is traced: requests per second of the API service, and tokens per second of
 * a model server, each against the same process without.
 *
 * Model servers behind the API service are scripted and answer at once, so that all of its time is its own. A short
 * answer as JSON is the worst case: a request costs the same spans however much is answered.
 * `--only gateway,tokens` runs one of the two.
 */
import { parseArgs } from "node:util";
import { ModelServer } from "../test/support/model-server.ts";
import { smollm2Path } from "../test/support/smollm2.ts";
import { startCollector } from "./support/collector.ts";
import { closedLoop } from "./support/http-load.ts";
import { cpuSeconds, type Proxy, startApi } from "./support/proxies.ts";
import { ScriptedModel } from "./support/scripted-model.ts";
import { median } from "./support/statistics.ts";
import { endlessPrompt, stream } from "./support/streaming-client.ts";
import { printTable, type Row } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "gateway,tokens" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    streams: { type: "string", default: "4" },
    tokens: { type: "string", default: "128" },
    threads: { type: "string", default: "2" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const streams = Number(values.streams);
const TOKENS = Number(values.tokens);

const messages = [{ role: "user", content: "Say hello to everybody who reads this. ".repeat(10) }];
const STREAM_EVENTS = 64;
const REQUESTS = {
  "short JSON": JSON.stringify({ model: "m", messages }),
  [`stream of ${STREAM_EVENTS} events`]: JSON.stringify({
    model: "m",
    messages,
    stream: true,
    events: STREAM_EVENTS,
  }),
} as const;

await using collector = await startCollector();

const SETUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  off: {},
  "10 %": {
    ...collector.environment,
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.1",
  },
  "100 %": collector.environment,
};

type Rates = { readonly perSecond: number; readonly perCpuSecond: number };

async function rates({ url, pid }: Proxy, body: string): Promise<Rates> {
  const before = await cpuSeconds(pid);
  const startMs = performance.now();
  const count = await closedLoop(url, body, { clients: 32, seconds });
  const tookSeconds = (performance.now() - startMs) / 1000;
  return {
    perSecond: count / tookSeconds,
    perCpuSecond: count / ((await cpuSeconds(pid)) - before),
  };
}

/** The median over rounds of what each costs against `off` of the same round, in percent. */
function costOf(figures: readonly number[], off: readonly number[]): string {
  const costs = figures.map((figure, round) => 100 * (1 - figure / (off[round] ?? Number.NaN)));
  return median(costs).toFixed(1);
}

async function gateway(): Promise<void> {
  await using upstream = await ScriptedModel.start();
  await using cleanup = new AsyncDisposableStack();
  const apis = new Map<string, Proxy>();
  for (const [name, environment] of Object.entries(SETUPS)) {
    apis.set(name, cleanup.use(await startApi([upstream.url], undefined, environment)));
  }
  for (const [answer, body] of Object.entries(REQUESTS)) await compare(answer, body, apis);
}

async function compare(
  answer: string,
  body: string,
  apis: ReadonlyMap<string, Proxy>,
): Promise<void> {
  // It takes V8 some tens of thousands of requests to have compiled what it will.
  for (let turn = 0; turn < 2; turn += 1) for (const api of apis.values()) await rates(api, body);
  const measured = new Map(Object.keys(SETUPS).map((name) => [name, [] as Rates[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, api] of apis) measured.get(name)?.push(await rates(api, body));
  }
  const figures = (name: string, which: keyof Rates) =>
    (measured.get(name) ?? []).map((one) => one[which]);
  printTable(
    `API service, ${answer}, 32 clients, ${rounds} rounds of ${seconds} s`,
    Object.keys(SETUPS).map((name): Row => ({
      traced: name,
      "requests/s": median(figures(name, "perSecond")).toFixed(0),
      "cost % (<= 5)": costOf(figures(name, "perSecond"), figures("off", "perSecond")),
      "requests/s of CPU": median(figures(name, "perCpuSecond")).toFixed(0),
      "cost of CPU %": costOf(figures(name, "perCpuSecond"), figures("off", "perCpuSecond")),
    })),
  );
}

async function tokensPerSecond(server: ModelServer): Promise<number> {
  const body = { model: server.modelId, max_tokens: TOKENS, temperature: 0, ignore_eos: true };
  const startMs = performance.now();
  const results = await Promise.all(
    Array.from({ length: streams }, () => stream(server.url, { ...body, prompt: endlessPrompt() })),
  );
  const generated = results.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  return (1000 * generated) / (performance.now() - startMs);
}

async function tokens(): Promise<void> {
  const engine = { slots: streams, contextTokens: 1024, threads: Number(values.threads) };
  const options = { weightsPath: await smollm2Path(), engine };
  await using off = await ModelServer.ready(options);
  await using on = await ModelServer.ready(options, collector.environment);
  for (const server of [off, on]) await tokensPerSecond(server);
  const without: number[] = [];
  const traced: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    without.push(await tokensPerSecond(off));
    traced.push(await tokensPerSecond(on));
  }
  printTable(`Model server, ${streams} streams of ${TOKENS} tokens, ${rounds} rounds`, [
    { traced: "off", "tokens/s": median(without).toFixed(1), "cost % (<= 2)": "" },
    {
      traced: "100 %",
      "tokens/s": median(traced).toFixed(1),
      "cost % (<= 2)": costOf(traced, without),
    },
  ]);
}

const parts: Readonly<Record<string, () => Promise<void>>> = { gateway, tokens };
for (const name of values.only.split(",")) await parts[name]?.();
console.log(`\nThe collector was sent ${(collector.bytes() / 1024).toFixed(0)} KiB.`);
process.exit();
