/**
 * This model server against llama.cpp's own, in one run: the same libraries, file, threads, slots and context, the same
 * requests, in turns; alone, and as `npm start` runs it, behind the API service.
 *
 * `--quick` takes about ten minutes on two cores. Rows are told as they are measured, and the table at the end.
 */
import { parseArgs } from "node:util";
import { smollm2Path } from "../test/support/smollm2.ts";
import { TemporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../test/support/tiny-models.ts";
import { againstBatchedBench } from "./peer/batched-bench.ts";
import { buildBatchedBench, buildLlamaServer } from "./peer/build-llama-programs.ts";
import { compare } from "./peer/comparison.ts";
import { writeDecoderEmbedder } from "./peer/decoder-embedder.ts";
import { deviceNamed } from "./peer/device-name.ts";
import { startLocal } from "./peer/local-side.ts";
import { contention, restarts, starts } from "./peer/once.ts";
import { type PeerOptions, startLlamaServer, startModelServer } from "./peer/sides.ts";
import {
  choices,
  decoding,
  disturbedGaps,
  embeddings,
  firstTokenOf,
  firstTokens,
  gaps,
  oneByOne,
  TEXTS,
  type Workload,
  writing,
} from "./peer/workloads.ts";
import { printTable, type Row } from "./support/table.ts";

const SLOTS = 16;
/** More than any model has. */
const ALL_LAYERS = 999;
const CONTEXT_TOKENS = 4096;
const LONG_WORDS = 3000;
/** The shape of all-MiniLM-L6-v2. */
const MINILM = { layers: 6, width: 384, heads: 12, feedForward: 1536 };

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    embedding: { type: "string" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string" },
    tokens: { type: "string" },
    /** `cuda`, `rocm`, `vulkan`: both sides have every layer on the device. */
    gpu: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    /** Rows whose names match. */
    only: { type: "string", default: "" },
  },
});
const threads = Number(values.threads);
const rounds = Number(values.rounds ?? (values.quick ? 2 : 3));
const tokens = Number(values.tokens ?? (values.quick ? 64 : 128));
const only = new RegExp(values.only);
const chosen = (all: readonly Workload[]) => all.filter(({ name }) => only.test(name));

const generating = [
  ...[1, 4, 8, 16].map((count) => decoding(count, tokens)),
  ...[1, 4].map((count) => decoding(count, tokens, "with logprobs")),
  ...[1, 4].map((count) => decoding(count, tokens, "at temperature 1")),
  ...[1, 4].map((count) => decoding(count, tokens, "at top p 0.95")),
  ...[1, 4, 8, 16].map(firstTokens),
  ...[32, 450, LONG_WORDS].map(firstTokenOf),
  ...[1, 4, 8].map((count) => gaps(count, tokens)),
  disturbedGaps(8, tokens, LONG_WORDS),
  choices(300, 32),
];
/** What the API service in front of it may change. */
const throughApi = [
  ...[1, 4, 8, 16].map((count) => decoding(count, tokens)),
  ...[1, 4, 8, 16].map(firstTokens),
  firstTokenOf(450),
  ...[1, 4].map((count) => gaps(count, tokens)),
].map((workload) => ({ ...workload, name: `through npm start: ${workload.name}` }));
const texts = Object.keys(TEXTS).map((text) => writing(text as keyof typeof TEXTS, 2 * tokens));
const embedding = [
  oneByOne(16, 12),
  ...[8, 64, 256].map((inputs) => embeddings(1, inputs, 12)),
  embeddings(1, 16, 40),
  embeddings(16, 4, 12),
];
const byDecoder = embedding.map((workload) => ({ ...workload, name: `decoder, ${workload.name}` }));

const gpu = deviceNamed(values.gpu);
const onDevice = gpu === false ? {} : { gpuLayers: ALL_LAYERS };
const report = (line: string): void => console.error(line);
const program = await buildLlamaServer(report, gpu);
await using folder = await TemporaryFolder.create();
const path = values.model ?? (await smollm2Path());
const model: PeerOptions = {
  path,
  threads,
  slots: SLOTS,
  contextTokens: CONTEXT_TOKENS,
  ...onDevice,
};
const both = (options: PeerOptions) => ({
  own: () => startModelServer(options),
  other: () => startLlamaServer(program, options),
});
const withoutGuesses = async () => {
  const side = await startModelServer({ ...model, engine: { draftTokens: 0 } });
  return { ...side, name: "without guesses" };
};
const promptCacheDisk = { directory: folder.file("prompts"), maxMiB: 4096 };
const restarting = () => startModelServer({ ...model, slots: 1, engine: { promptCacheDisk } });
const embedder = { threads, slots: 1, contextTokens: 512, embeds: true, ...onDevice };

const rows: Row[] = [];
rows.push(...(await compare(chosen(generating), rounds, both(model))));
if (only.test("batched-bench")) {
  const bare = await buildBatchedBench(report, gpu);
  rows.push(...(await againstBatchedBench(bare, model, { rounds, tokens })));
}
const throughStart = { ...both(model), own: () => startLocal(model) };
rows.push(...(await compare(chosen(throughApi), rounds, throughStart)));
rows.push(...(await compare(chosen(texts), rounds, { ...both(model), other: withoutGuesses })));
const minilm = { ...embedder, path: values.embedding ?? (await noiseEmbedder()) };
rows.push(...(await compare(chosen(embedding), rounds, both(minilm))));
const decoder = { ...embedder, path: folder.file("decoder.gguf") };
await writeDecoderEmbedder(await smollm2Path(), decoder.path);
rows.push(...(await compare(chosen(byDecoder), rounds, both(decoder))));
if (only.test("start")) rows.push(...(await starts(rounds, both(model))));
if (only.test("restart")) rows.push(...(await restarts(rounds, LONG_WORDS, restarting)));
if (only.test("contention")) {
  const alone = { ...model, threads: 1 };
  rows.push(...(await contention(rounds, tokens, both(model))));
  const atItsBest = { ...both(model), other: () => startLlamaServer(program, alone) };
  rows.push(...(await contention(rounds, tokens, atItsBest)));
}
printTable(`${threads} threads, ${SLOTS} slots, ${rounds} rounds`, rows);

async function noiseEmbedder(): Promise<string> {
  const file = folder.file("minilm-shaped.gguf");
  await writeTinyEmbeddingModel(file, { shape: MINILM });
  return file;
}
