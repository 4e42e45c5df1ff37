/**
 * The yardstick: node-llama-cpp without a server, in a process of its own, driven as well as its API
 * allows. Every batch holds all sequences, in the order of their numbers, with flash attention.
 *
 * Started with the options in its environment; decodes once per "run" message and answers with the
 * time it took.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { getLlama, type LlamaContextSequence, LlamaLogLevel } from "node-llama-cpp";

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
  const llama = await getLlama({
    build: "never",
    gpu: false,
    maxThreads: options.threads,
    logLevel: LlamaLogLevel.error,
  });
  const model = await llama.loadModel({ modelPath: options.path });
  const context = await model.createContext({
    contextSize: options.contextTokens,
    sequences: options.sequences,
    batchSize: 512,
    flashAttention: true,
    threads: options.threads,
    batching: {
      itemPrioritizationStrategy: ({ items }) =>
        items
          .toSorted((a, b) => a.evaluationPriority - b.evaluationPriority)
          .map((item) => ({ item, processAmount: item.tokens.length })),
    },
  });
  const sequences = Array.from({ length: options.sequences }, () => context.getSequence());
  process.on("message", (run: Run) => {
    void decode(sequences, run).then((result) => process.send?.(result));
  });
  process.send?.("loaded");
}

/** All sequences advance together: each asks for its next token when all have got theirs. */
async function decode(
  sequences: readonly LlamaContextSequence[],
  { prompts, tokens }: Run,
): Promise<DirectResult> {
  for (const sequence of sequences) await sequence.clearHistory();
  const before = performance.now();
  const streams = sequences.map((sequence, index) =>
    sequence.evaluate(sequence.model.tokenize(prompts[index] ?? ""), {
      temperature: 0,
      seed: 1,
      yieldEogToken: true,
      evaluationPriority: (index + 1) as 1,
    }),
  );
  let promptMs = 0;
  for (let step = 0; step < tokens; step += 1) {
    const results = await Promise.all(streams.map((stream) => stream.next()));
    if (results.some(({ done }) => done === true)) throw new Error("A sequence ended early");
    if (step === 0) promptMs = performance.now() - before;
  }
  const durationMs = performance.now() - before;
  await Promise.all(streams.map((stream) => stream.return()));
  return { tokens: tokens * sequences.length, durationMs, promptMs };
}

const options = process.env[OPTIONS_VARIABLE];
if (import.meta.main && options !== undefined) {
  await serveRuns(JSON.parse(options) as DirectOptions);
}
