/**
 * What a long prompt does to streams that are running: the time between their tokens while a prompt of
 * 1500 tokens is evaluated, against the time between their tokens when nobody disturbs them.
 */
import { ModelServer } from "../test/support/model-server.ts";
import { settings } from "./support/settings.ts";
import { median } from "./support/statistics.ts";
import { stream } from "./support/streaming-client.ts";
import { printTable } from "./support/table.ts";
import {
  gapP99,
  gapRow,
  untilTokens,
  watchStreams,
  type Window,
} from "./support/watched-streams.ts";

const STREAMS = 4;
const PROMPT_TOKENS = 1500;
const UNDISTURBED_TOKENS = 150;

const { path, threads, rounds } = await settings(5);
await using server = await ModelServer.ready({
  weightsPath: path,
  engine: { slots: STREAMS + 1, contextTokens: 4096, threads },
});

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
  alone.push(await watchStreams(server, STREAMS, untilTokens(UNDISTURBED_TOKENS)));
  disturbed.push(
    await watchStreams(server, STREAMS, async () => promptTokens.push(await longPrompt())),
  );
}

printTable(
  `Interference: ${STREAMS} streams, a prompt of ${median(promptTokens)} tokens, ${threads} threads, ${rounds} rounds`,
  [gapRow("undisturbed", alone), gapRow("prompt arrives", disturbed)],
);
console.log(`\np99 ratio ${(gapP99(disturbed) / gapP99(alone)).toFixed(2)} (<= 3)`);
const promptMs = median(disturbed.map(({ durationMs }) => durationMs));
console.log(`the prompt's own first token after ${promptMs.toFixed(0)} ms (median)`);
