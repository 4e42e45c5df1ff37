/**
 * The yardstick: llama.cpp without a server, in a process of its own, called by the shortest loop there is. Every batch
 * holds all sequences, in the order of their numbers, with flash attention.
 *
 * Started with the options in its environment; decodes once per "run" message and answers with the
 * time it took.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Batch } from "@localmodel/llama/batch.ts";
import { type Context, createContext } from "@localmodel/llama/context.ts";
import { openLlama } from "@localmodel/llama/llama.ts";
import { loadModel } from "@localmodel/llama/model.ts";
import { createSampler, type Sampler } from "@localmodel/llama/sampling/sampler.ts";

type DirectOptions = {
  readonly path: string;
  readonly sequences: number;
  readonly contextTokens: number;
  readonly threads: number;
};

type Run = { readonly prompts: readonly string[]; readonly tokens: number };
export type DirectResult = {
  readonly tokens: number;
  readonly durationMs: number;
  /** Of that, until every sequence had its first token. */
  readonly promptMs: number;
};

const OPTIONS_VARIABLE = "BENCH_DIRECT_OPTIONS";

/** The parent's side. */
export class DirectLoop implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: DirectOptions): Promise<DirectLoop> {
    const child = fork(fileURLToPath(import.meta.url), {
      execArgv: [],
      env: {
        ...process.env,
        [OPTIONS_VARIABLE]: JSON.stringify(options),
        // On one thread a step finds its caches warm; passed between threads it takes twice as long.
        UV_THREADPOOL_SIZE: "1",
      },
    });
    await once(child, "message");
    return new DirectLoop(child);
  }

  async run(run: Run): Promise<DirectResult> {
    this.#child.send(run);
    const [result] = (await once(this.#child, "message")) as [DirectResult];
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

async function serveRuns(options: DirectOptions): Promise<void> {
  const llama = await openLlama({ gpu: false, log: () => {} });
  const model = await loadModel(llama, { path: options.path });
  const context = await createContext(model, {
    contextTokens: options.contextTokens * options.sequences,
    sequences: options.sequences,
    batchTokens: BATCH_TOKENS,
    microBatchTokens: BATCH_TOKENS,
    flashAttention: "enabled",
    threads: options.threads,
  });
  const loop = {
    context,
    batch: context.createBatch({ tokens: BATCH_TOKENS }),
    greedy: createSampler(model, { stages: [{ type: "greedy" }] }),
  };
  process.on("message", (run: Run) => {
    void decode(loop, run).then((result) => process.send?.(result));
  });
  process.send?.("loaded");
}

const BATCH_TOKENS = 512;

type Loop = { readonly context: Context; readonly batch: Batch; readonly greedy: Sampler };

/** All sequences advance together. */
async function decode(
  { context, batch, greedy }: Loop,
  { prompts, tokens }: Run,
): Promise<DirectResult> {
  const { vocabulary } = context.model;
  context.sequences.clear();
  const before = performance.now();
  let next = prompts.map((prompt) => [
    ...vocabulary.tokenize(prompt, { whole: false, control: false }),
  ]);
  const positions = prompts.map(() => 0);
  let promptMs = 0;
  for (let step = 0; step < tokens; step += 1) {
    batch.clear();
    const outputs = next.map((own, sequence) => {
      let output = -1;
      for (const [index, token] of own.entries()) {
        const position = (positions[sequence] ?? 0) + index;
        output = batch.add(token, position, sequence, index === own.length - 1);
      }
      positions[sequence] = (positions[sequence] ?? 0) + own.length;
      return output;
    });
    if ((await context.decode(batch)) !== "done") throw new Error("A batch was not evaluated");
    next = outputs.map((index) => [greedy.sample(context, index)]);
    if (step === 0) promptMs = performance.now() - before;
  }
  return { tokens: tokens * prompts.length, durationMs: performance.now() - before, promptMs };
}

const options = process.env[OPTIONS_VARIABLE];
if (import.meta.main && options !== undefined) {
  await serveRuns(JSON.parse(options) as DirectOptions);
}
