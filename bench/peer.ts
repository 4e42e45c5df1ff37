/**
 * This model server against llama.cpp's own, in one run: the same libraries, file, threads, slots and context, the same
 * requests, in turns.
 *
 * A ratio is that of one round. Above 1 this server is better, whichever way the figure points.
 */
import { parseArgs } from "node:util";
import { smollm2Path } from "../test/support/smollm2.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../test/support/tiny-models.ts";
import { buildLlamaServer } from "./peer/build-llama-server.ts";
import { type PeerOptions, type Side, startLlamaServer, startModelServer } from "./peer/sides.ts";
import {
  choices,
  decoding,
  disturbedGaps,
  embeddings,
  firstTokenOf,
  firstTokens,
  gaps,
  type Workload,
} from "./peer/workloads.ts";
import { median } from "./support/statistics.ts";
import { printTable, type Row } from "./support/table.ts";

const SLOTS = 16;
const CONTEXT_TOKENS = 4096;
/** The shape of all-MiniLM-L6-v2. */
const MINILM = { layers: 6, width: 384, heads: 12, feedForward: 1536 };

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    embedding: { type: "string" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    tokens: { type: "string", default: "128" },
    /** Rows whose names match. */
    only: { type: "string", default: "" },
  },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds);
const tokens = Number(values.tokens);
const only = new RegExp(values.only);

const generating = [
  ...[1, 4, 8, 16].map((count) => decoding(count, tokens)),
  ...[1, 4].map((count) => decoding(count, tokens, { logprobs: 3 })),
  ...[1, 4, 8, 16].map(firstTokens),
  ...[32, 450, 3000].map(firstTokenOf),
  ...[1, 4, 8].map((count) => gaps(count, tokens)),
  disturbedGaps(8, tokens, 3000),
  choices(300, 32),
];
const embedding = [
  ...[1, 8, 64, 256].map((inputs) => embeddings(1, inputs, 12)),
  embeddings(1, 16, 40),
  embeddings(16, 4, 12),
];

const program = await buildLlamaServer((line) => console.error(line));
await using folder = await TemporaryFolder.create();
const rows = [
  ...(await compare(generating, {
    path: values.model ?? (await smollm2Path()),
    threads,
    slots: SLOTS,
    contextTokens: CONTEXT_TOKENS,
  })),
  ...(await compare(embedding, {
    path: values.embedding ?? (await noiseEmbedder()),
    threads,
    slots: 1,
    contextTokens: 512,
    embeds: true,
  })),
];
printTable(`Against llama-server: ${threads} threads, ${SLOTS} slots, ${rounds} rounds`, rows);

async function noiseEmbedder(): Promise<string> {
  const path = folder.file("minilm-shaped.gguf");
  await writeTinyEmbeddingModel(path, { shape: MINILM });
  return path;
}

async function compare(all: readonly Workload[], options: PeerOptions): Promise<readonly Row[]> {
  const workloads = all.filter(({ name }) => only.test(name));
  if (workloads.length === 0) return [];
  await using ours = await startModelServer(options);
  await using theirs = await startLlamaServer(program, options);
  const found: Row[] = [];
  for (const workload of workloads) found.push(await row(workload, ours, theirs));
  return found;
}

async function row({ name, better, measure }: Workload, ours: Side, theirs: Side): Promise<Row> {
  const figures: { readonly own: number; readonly other: number }[] = [];
  // The first round warms both.
  for (let round = 0; round <= rounds; round += 1) {
    const own = await measure(ours.url);
    const other = await measure(theirs.url);
    if (round > 0) figures.push({ own, other });
  }
  const ratios = figures.map(({ own, other }) => (better === "more" ? own / other : other / own));
  return {
    work: name,
    "model server": median(figures.map(({ own }) => own)).toFixed(1),
    "llama-server": median(figures.map(({ other }) => other)).toFixed(1),
    "times better": median(ratios).toFixed(2),
    range: `${Math.min(...ratios).toFixed(2)}..${Math.max(...ratios).toFixed(2)}`,
  };
}
