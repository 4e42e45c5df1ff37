/**
 * From starting the process until it serves, against a process that only loads the same file with the
 * library: same context, same slots. In turns, because the first of both also warms the page cache.
 */
import { ModelServer } from "../test/support/model-server.ts";
import { DirectLoop } from "./support/direct-loop.ts";
import { settings } from "./support/settings.ts";
import { median } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const SLOTS = 4;
const CONTEXT_TOKENS = 4096;

const { path, threads, rounds } = await settings(9);

async function serverReadyMs(): Promise<number> {
  const before = performance.now();
  await using server = await ModelServer.ready({
    weightsPath: path,
    engine: { slots: SLOTS, contextTokens: CONTEXT_TOKENS, threads },
  });
  const response = await fetch(`${server.url}/readyz`);
  if (response.status !== 200) throw new Error(`/readyz answered ${response.status}`);
  return performance.now() - before;
}

async function libraryLoadedMs(): Promise<number> {
  const before = performance.now();
  const options = { path, sequences: SLOTS, contextTokens: CONTEXT_TOKENS, threads };
  await using loop = await DirectLoop.start(options);
  return loop === undefined ? Number.NaN : performance.now() - before;
}

await libraryLoadedMs();
await serverReadyMs();
const library: number[] = [];
const server: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const serverFirst = round % 2 === 0;
  if (serverFirst) server.push(await serverReadyMs());
  library.push(await libraryLoadedMs());
  if (!serverFirst) server.push(await serverReadyMs());
}
const row = (name: string, times: readonly number[]) => ({
  process: name,
  "median ms": median(times).toFixed(0),
  "min ms": Math.min(...times).toFixed(0),
  "max ms": Math.max(...times).toFixed(0),
});
printTable(`Start: ${SLOTS} x ${CONTEXT_TOKENS} tokens of context, ${rounds} rounds`, [
  row("library: model and context loaded", library),
  row("model server: /readyz is 200", server),
]);
const ratios = server.map((time, index) => time / (library[index] ?? Number.NaN));
console.log(`\nratio ${median(ratios).toFixed(3)} (<= 1.2)`);
