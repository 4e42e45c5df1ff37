/** Tokens per second of llama-batched-bench: sequences of one context that decode together, and nothing else. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Row } from "../support/table.ts";
import { rowOf } from "./comparison.ts";
import { type PeerOptions, startModelServer } from "./sides.ts";
import { decoding } from "./workloads.ts";

const run = promisify(execFile);

/** As short as the prompts that the servers are asked to go on from. */
const PROMPT_TOKENS = 48;

const STREAMS = [1, 4, 8, 16];

/** A server beside it would want cores and memory that it does not need: each is there while it is measured. */
export async function againstBatchedBench(
  program: string,
  options: PeerOptions,
  { rounds, tokens }: { readonly rounds: number; readonly tokens: number },
): Promise<readonly Row[]> {
  const pairs = STREAMS.map((streams) => ({
    streams,
    found: [] as { own: number; other: number }[],
  }));
  for (let round = 0; round < rounds; round += 1) {
    const own: number[] = [];
    {
      await using server = await startModelServer(options);
      await decoding(1, tokens).measure(server.url);
      for (const { streams } of pairs)
        own.push(await decoding(streams, tokens).measure(server.url));
    }
    for (const [index, { streams, found }] of pairs.entries()) {
      const other = await batchedTokensPerSecond(program, options, { streams, tokens });
      found.push({ own: own[index] ?? 0, other });
    }
  }
  return pairs.map(({ streams, found }) =>
    rowOf(decoding(streams, tokens).name, "llama-batched-bench", { better: "more", pairs: found }),
  );
}

/** `streams` sequences, so many tokens of each. */
async function batchedTokensPerSecond(
  program: string,
  { path, threads, slots, contextTokens, gpuLayers = 0 }: PeerOptions,
  { streams, tokens }: { readonly streams: number; readonly tokens: number },
): Promise<number> {
  const settings: Readonly<Record<string, string | number>> = {
    "--model": path,
    "--threads": threads,
    "--threads-batch": threads,
    "--ctx-size": slots * contextTokens,
    "--flash-attn": "on",
    "--n-gpu-layers": gpuLayers,
    "-npp": PROMPT_TOKENS,
    "-ntg": tokens,
    "-npl": streams,
    "--output-format": "jsonl",
  };
  const { stdout } = await run(program, Object.entries(settings).flat().map(String));
  const line = stdout.split("\n").find((one) => one.startsWith("{"));
  if (line === undefined) throw new Error(`${program} printed no result:\n${stdout.slice(-2000)}`);
  const { speed_tg: speed } = JSON.parse(line) as { readonly speed_tg: number };
  return speed;
}
