/**
 * How long a slot stays taken after its client has hung up, while tokens come and while its prompt is
 * evaluated.
 *
 * The server has one slot. A second request waits for it; the time from the hang-up to the second
 * request's first token is an upper bound: it contains that request's own evaluation, which is
 * measured alone for comparison.
 */
import { setTimeout as wait } from "node:timers/promises";
import { ModelServer } from "../test/support/model-server.ts";
import { settings } from "./support/settings.ts";
import { median, percentile } from "./support/statistics.ts";
import { endlessPrompt, stream } from "./support/streaming-client.ts";
import { printTable } from "./support/table.ts";

const { path, threads, rounds } = await settings(100);
await using server = await ModelServer.ready({
  weightsPath: path,
  engine: { slots: 1, contextTokens: 4096, threads },
});
const body = { model: server.modelId, temperature: 0 };

async function firstTokenMs(): Promise<number> {
  const { arrivalsMs, status } = await stream(server.url, { ...body, prompt: "1", max_tokens: 1 });
  if (status !== 200) throw new Error(`The waiting request was answered ${status}`);
  return arrivalsMs[0] ?? Number.NaN;
}

async function alone(): Promise<number> {
  const before = performance.now();
  return (await firstTokenMs()) - before;
}

/** Somebody hangs up at a random moment of the phase; how long until the next has its token. */
async function afterHangUp(phase: "decode" | "prefill"): Promise<number> {
  const hangUp = new AbortController();
  const begun = Promise.withResolvers<undefined>();
  const prompt = phase === "decode" ? endlessPrompt() : longPrompt();
  const leaver = stream(
    server.url,
    { ...body, prompt, max_tokens: 2000 },
    {
      signal: hangUp.signal,
      onEvent: (count) => count === 3 && begun.resolve(undefined),
    },
  );
  if (phase === "decode") await begun.promise;
  else await wait(50);
  const next = firstTokenMs();
  await wait(30 + Math.random() * (phase === "decode" ? 100 : 600));
  const leftMs = performance.now();
  hangUp.abort();
  const { arrivalsMs } = await leaver;
  if (phase === "prefill" && arrivalsMs.length > 0) throw new Error("The prompt was too short");
  return (await next) - leftMs;
}

function longPrompt(): string {
  return Array.from({ length: 700 }, () => Math.floor(1000 + Math.random() * 9000)).join(",");
}

const measured: Record<string, number[]> = { alone: [], decode: [], prefill: [] };
for (let round = 0; round < rounds; round += 1) {
  measured["alone"]?.push(await alone());
  measured["decode"]?.push(await afterHangUp("decode"));
  measured["prefill"]?.push(await afterHangUp("prefill"));
}
printTable(
  `Hang-up: until the next request's first token, ${threads} threads, ${rounds} rounds (p99 <= 100 ms)`,
  Object.entries(measured).map(([name, times]) => ({
    "hang-up": name === "alone" ? "none: the next request alone" : `during ${name}`,
    "p50 ms": percentile(times, 0.5).toFixed(1),
    "p99 ms": percentile(times, 0.99).toFixed(1),
    "max ms": Math.max(...times).toFixed(1),
    "p50 less alone, ms": (percentile(times, 0.5) - median(measured["alone"] ?? [])).toFixed(1),
  })),
);
