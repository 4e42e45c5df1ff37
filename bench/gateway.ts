/**
 * What the API service costs between a client and a model server, and what its choice of endpoints saves.
 *
 * Model servers are scripted (support/scripted-model.ts), so that everything that is measured is the way
 * to them. Comparisons are made in turns within one run. `--only latency,cost,streams,reuse` runs some.
 */
import { parseArgs } from "node:util";
import { atRate, closedLoop, post, type Reply } from "./support/http-load.ts";
import {
  cpuSeconds,
  type Proxy,
  residentMiB,
  startApi,
  startBareProxy,
  startLiteLlm,
  startNginx,
} from "./support/proxies.ts";
import { ScriptedModel, SIMULATED_SLOTS } from "./support/scripted-model.ts";
import { median, percentile } from "./support/statistics.ts";
import { printTable, type Row } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "latency,cost,streams,reuse" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
    streams: { type: "string", default: "1000" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

const messages = [
  { role: "system", content: "You are a helpful assistant." },
  { role: "user", content: "Say hello to everybody who reads this. ".repeat(10) },
];
const SHORT = JSON.stringify({ model: "m", messages, temperature: 0.7 });
const STREAM_EVENTS = 64;
const STREAM = JSON.stringify({ model: "m", messages, stream: true, events: STREAM_EVENTS });

function latencyRow(way: string, times: readonly (readonly number[])[]): Row {
  const figure = (share: number) => percentile(times.flat(), share).toFixed(2);
  return { way, "p50 ms": figure(0.5), "p99 ms": figure(0.99) };
}

async function latency(): Promise<void> {
  await using upstream = await ScriptedModel.start();
  await using api = await startApi([upstream.url]);
  const load = { perSecond: 500, seconds };
  for (const { url } of [upstream, api]) await atRate(url, SHORT, load);
  const direct: number[][] = [];
  const through: number[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    direct.push([...(await atRate(upstream.url, SHORT, load))]);
    through.push([...(await atRate(api.url, SHORT, load))]);
  }
  const added = (share: number) =>
    median(
      through.map(
        (times, round) => percentile(times, share) - percentile(direct[round] ?? [], share),
      ),
    );
  printTable(`Latency at ${load.perSecond} requests/s, ${rounds} rounds of ${seconds} s`, [
    latencyRow("direct", direct),
    latencyRow("through the API service", through),
    {
      way: "added (<= 0.5, <= 3)",
      "p50 ms": added(0.5).toFixed(2),
      "p99 ms": added(0.99).toFixed(2),
    },
  ]);
}

/** Requests per second that one core would carry: by the CPU time that the proxy took. */
async function perCore({ url, pid }: Proxy, body: string): Promise<number> {
  const before = await cpuSeconds(pid);
  const count = await closedLoop(url, body, { clients: 32, seconds });
  return count / ((await cpuSeconds(pid)) - before);
}

async function cost(): Promise<void> {
  await using upstream = await ScriptedModel.start();
  await using api = await startApi([upstream.url]);
  await using nginx = await startNginx(upstream.url);
  await using litellm = await startLiteLlm(upstream.url);
  await using bare = await startBareProxy(upstream.url);
  const proxies = [api, nginx, litellm, bare].filter((one) => one !== undefined);
  const rows: Row[] = [];
  for (const [what, body] of [
    ["short JSON", SHORT],
    [`stream of ${STREAM_EVENTS} events`, STREAM],
  ] as const) {
    // It takes V8 some tens of thousands of requests to have compiled what it will.
    for (const one of proxies) for (let turn = 0; turn < 2; turn += 1) await perCore(one, body);
    const figures = new Map(proxies.map(({ name }) => [name, [] as number[]]));
    for (let round = 0; round < rounds; round += 1) {
      for (const one of proxies) figures.get(one.name)?.push(await perCore(one, body));
    }
    const ratio = (other: string, one = "api") => {
      const others = figures.get(other) ?? [];
      const ratios = others.map((figure, round) => (figures.get(one)?.[round] ?? 0) / figure);
      return others.length === 0 ? "-" : median(ratios).toFixed(2);
    };
    const figure = (name: string) => median(figures.get(name) ?? []).toFixed(0);
    rows.push({
      answer: what,
      "api /s": figure("api"),
      "nginx /s": figure("nginx"),
      "api / nginx (>= 0.4)": ratio("nginx"),
      "bare Node / nginx": ratio("nginx", "bare Node"),
      "litellm /s": figure("litellm"),
      "api / litellm (>= 10)": ratio("litellm"),
    });
  }
  printTable(`Requests per second of CPU, 32 clients, ${rounds} rounds of ${seconds} s`, rows);
}

async function streams(): Promise<void> {
  const count = Number(values.streams);
  await using upstream = await ScriptedModel.start();
  await using api = await startApi([upstream.url]);
  const long = { model: "m", messages, stream: true, events: 10, intervalMs: 1000 };
  const body = JSON.stringify(long);
  const open = async (url: string) => {
    const replies: Promise<Reply | undefined>[] = [];
    for (let index = 0; index < count; index += 1) {
      replies.push(post(url, body).catch(() => undefined));
      // Arrivals spread over two seconds: this is about streams that are open, not about a stampede.
      if (index % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 20_000 / count));
    }
    return replies;
  };
  const measured = async (url: string) => {
    const opened = await open(url);
    const resident = await residentMiB(api.pid);
    const replies = await Promise.all(opened);
    const whole = replies.filter((one) => one?.status === 200 && one.tail.endsWith("[DONE]\n\n"));
    const first = whole.map((one) => one?.firstMs ?? 0);
    return { resident, errors: count - whole.length, p99: percentile(first, 0.99) };
  };
  // A process that has just begun would be measured compiling.
  for (const { url } of [upstream, api]) await closedLoop(url, STREAM, { clients: 16, seconds });
  const direct = await measured(upstream.url);
  const through = await measured(api.url);
  printTable(`${count} open streams`, [
    {
      errors: through.errors,
      "TTFT p99 direct ms": direct.p99.toFixed(1),
      "through ms": through.p99.toFixed(1),
      "added ms (<= 10)": (through.p99 - direct.p99).toFixed(1),
      "RSS MiB (<= 300)": through.resident.toFixed(0),
    },
  ]);
}

const REPLICAS = 4;
const CONVERSATIONS = 12;
const TURNS = 10;
const TURN_CHARACTERS = 2000;

/** Text that no other conversation has. */
function unique(characters: number): string {
  let text = "";
  while (text.length < characters) text += Math.random().toString(36).slice(2);
  return text.slice(0, characters);
}

type Send = (body: string) => Promise<Reply>;

/** Times to the first token of conversations that go on at the same time, in ms. */
async function conversations(send: Send, turns: number): Promise<readonly number[]> {
  const converse = async () => {
    const said = [{ role: "system", content: "You are a helpful assistant." }];
    const times: number[] = [];
    for (let turn = 0; turn < turns; turn += 1) {
      said.push({ role: "user", content: unique(TURN_CHARACTERS) });
      const body = { model: "m", messages: said, stream: true, simulate: true };
      times.push((await send(JSON.stringify(body))).firstMs);
      said.push({ role: "assistant", content: "Hello" });
    }
    return times;
  };
  return (await Promise.all(Array.from({ length: CONVERSATIONS }, converse))).flat();
}

function mean(times: readonly number[]): number {
  return times.reduce((sum, one) => sum + one, 0) / times.length;
}

async function reuse(): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const replicas: ScriptedModel[] = [];
  for (let index = 0; index < REPLICAS; index += 1) {
    replicas.push(cleanup.use(await ScriptedModel.start()));
  }
  await using api = await startApi(
    replicas.map(({ url }) => url),
    SIMULATED_SLOTS,
  );
  let next = 0;
  const inTurns: Send = (body) => post(replicas[next++ % REPLICAS]?.url ?? "", body);
  const balanced: Send = (body) => post(api.url, body);
  const rows: Row[] = [];
  for (const [traffic, turns] of [
    [`${CONVERSATIONS} chats of ${TURNS} turns`, TURNS],
    ["prompts that share nothing", 1],
  ] as const) {
    const pairs: [number, number][] = [];
    // One turn is short: it is repeated until there are as many requests.
    const repeated = async (send: Send) => {
      const times: number[] = [];
      for (let index = 0; index < TURNS / turns; index += 1) {
        times.push(...(await conversations(send, turns)));
      }
      return mean(times);
    };
    for (let round = 0; round < rounds; round += 1) {
      pairs.push([await repeated(inTurns), await repeated(balanced)]);
    }
    rows.push({
      traffic,
      "round robin: mean TTFT ms": median(pairs.map(([robin]) => robin)).toFixed(1),
      "API service": median(pairs.map(([, ours]) => ours)).toFixed(1),
      ratio: median(pairs.map(([robin, ours]) => ours / robin)).toFixed(2),
      goal: turns > 1 ? "<= 0.33" : "<= 1.05",
    });
  }
  printTable(`${REPLICAS} replicas of ${SIMULATED_SLOTS} slots, ${rounds} rounds`, rows);
}

const parts: Readonly<Record<string, () => Promise<void>>> = { latency, cost, streams, reuse };
for (const name of values.only.split(",")) await parts[name]?.();
process.exit();
