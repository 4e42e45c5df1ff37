/**
 * Ten thousand short requests with clients that leave at any moment: memory must stay flat and every
 * slot must come back. Ends with status 1 when a slot is lost.
 *
 * Some come before them to warm up: what is loaded at the first request stays loaded.
 */
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ModelServer } from "../test/support/model-server.ts";
import { residentBytes } from "../test/support/process-tree.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../test/support/tiny-models.ts";
import { stream } from "./support/streaming-client.ts";
import { printTable, type Row } from "./support/table.ts";

const SLOTS = 4;
const CLIENTS = 12;
const LEAVING_SHARE = 0.3;
const SAMPLES = 10;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "10000" },
    "warm-up": { type: "string", default: "2000" },
  },
});
const requests = Number(values.requests);
const warmUp = Number(values["warm-up"]);

await using folder = await TemporaryFolder.create();
const weightsPath = folder.file("tiny.gguf");
await writeTinyChatModel(weightsPath);
await using server = await ModelServer.ready({
  weightsPath,
  engine: { slots: SLOTS, contextTokens: 2048 },
});
const enginePid = await server.enginePid();
const outcomes = { finished: 0, left: 0, refused: 0 };

async function oneRequest(index: number): Promise<void> {
  const leaves = Math.random() < LEAVING_SHARE;
  const hangUp = new AbortController();
  const tokens = 1 + Math.floor(Math.random() * 8);
  const leaveAfter = 1 + Math.floor(Math.random() * tokens);
  const prompt = "word ".repeat(Math.floor(Math.random() * 60)) + index;
  const asked = stream(
    server.url,
    { model: server.modelId, prompt, max_tokens: tokens },
    {
      signal: hangUp.signal,
      onEvent: (count) => leaves && count === leaveAfter && hangUp.abort(),
    },
  );
  // Some leave before their first token: in the queue, or while their prompt is evaluated.
  if (leaves && Math.random() < 0.5) await wait(Math.random() * 10).then(() => hangUp.abort());
  const { status } = await asked;
  if (status === 429) outcomes.refused += 1;
  else if (hangUp.signal.aborted) outcomes.left += 1;
  else outcomes.finished += 1;
}

type Sample = { readonly requests: number; readonly server: number; readonly engine: number };

async function sample(index: number): Promise<Sample> {
  return {
    requests: index,
    server: await residentBytes(server.process.pid ?? 0),
    engine: await residentBytes(enginePid),
  };
}

/** All clients together make `count` requests; memory is looked at after each tenth of them. */
async function load(count: number): Promise<readonly Sample[]> {
  const samples = [await sample(0)];
  let started = 0;
  const oneClient = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      const index = started;
      await oneRequest(index);
      if (index % (count / SAMPLES) === 0) samples.push(await sample(index));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, oneClient));
  return samples.toSorted((a, b) => a.requests - b.requests);
}

const [cold] = await load(warmUp);
Object.assign(outcomes, { finished: 0, left: 0, refused: 0 });
const beganMs = performance.now();
const samples = await load(requests);
const seconds = (performance.now() - beganMs) / 1000;

/** How many of as many streams as slots run before the first of them has ended. */
async function slotsServing(): Promise<number> {
  const stop = new AbortController();
  const all = Promise.withResolvers<undefined>();
  let serving = 0;
  const body = { model: server.modelId, max_tokens: 1900, ignore_eos: true };
  const onEvent = (count: number) => {
    if (count === 1) serving += 1;
    if (serving === SLOTS) all.resolve(undefined);
  };
  const streams = Array.from({ length: SLOTS }, (_, index) =>
    stream(server.url, { ...body, prompt: `n ${index}` }, { signal: stop.signal, onEvent }),
  );
  await Promise.race([all.promise, ...streams]);
  const found = serving;
  stop.abort();
  await Promise.all(streams);
  return found;
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const row = (name: string | number, { server: http, engine }: Sample): Row => ({
  requests: name,
  "server MiB": mebibytes(http),
  "engine MiB": mebibytes(engine),
});
printTable(
  `Soak: ${requests} requests of 1-8 tokens, ${CLIENTS} clients, ${LEAVING_SHARE * 100} % leave, ${seconds.toFixed(0)} s`,
  [
    ...(cold === undefined ? [] : [row(`${warmUp} earlier`, cold)]),
    ...samples.map((one) => row(one.requests, one)),
  ],
);
const [first, last] = [samples[0], samples.at(-1)];
if (first !== undefined && last !== undefined) {
  const grown = mebibytes(last.server - first.server);
  console.log(
    `\ngrown by: server ${grown} MiB, engine ${mebibytes(last.engine - first.engine)} MiB`,
  );
}
console.log(
  `${outcomes.finished} finished, ${outcomes.left} left, ${outcomes.refused} refused with 429`,
);
const serving = await slotsServing();
console.log(`${serving} of ${SLOTS} slots serve`);
process.exitCode = serving === SLOTS ? 0 : 1;
