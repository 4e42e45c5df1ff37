/**
 * Compiles languages on a thread of its own: one may take a second, and nobody's next token waits for it.
 *
 * One after the other. What does not end or takes too much memory is refused, and the next one gets a new thread.
 */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Language } from "@localmodel/inference/constraint.ts";
import { Failure, type FailureData } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { type PackedProgram, unpacked } from "@localmodel/grammar/follow/packed-program.ts";
import type { TokenTrie } from "@localmodel/grammar/follow/token-trie.ts";
import type { Program } from "@localmodel/grammar/gbnf/recognize.ts";
import { Patience, type PatienceLimit } from "@localmodel/service/process/patience.ts";
import { fieldOf } from "./compile.ts";
import type { VocabularySource } from "../text/vocabulary.ts";

export type Task =
  | { readonly kind: "compile"; readonly language: Language }
  | { readonly kind: "trie" };
export type Done = {
  readonly program?: PackedProgram;
  readonly trie?: TokenTrie;
  readonly failure?: FailureData;
};

/** The compiler's own limits end it within seconds. */
const DEADLINE: PatienceLimit = { beatMs: 1000, beats: 20 };
const HEAP_MAX_MEBIBYTES = 512;

export class GrammarThread {
  readonly #source: VocabularySource;
  readonly #deadline: PatienceLimit;
  #worker: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ kind, texts, types }: VocabularySource, deadline = DEADLINE) {
    this.#source = { kind, texts, types };
    this.#deadline = deadline;
  }

  /** @throws Failure for a language that cannot be guaranteed, or not within the bounds */
  async compile(language: Language): Promise<Program> {
    const { program } = await this.#inTurn({ kind: "compile", language });
    if (program === undefined) throw new Error("A language was compiled to nothing");
    return unpacked(program);
  }

  /** Of all tokens that write something. */
  async trie(): Promise<TokenTrie> {
    const { trie } = await this.#inTurn({ kind: "trie" });
    if (trie === undefined) throw new Error("There is no trie of the vocabulary");
    return trie;
  }

  #inTurn(task: Task): Promise<Done> {
    const done = this.#turn.then(() => this.#do(task));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #do(task: Task): Promise<Done> {
    const worker = (this.#worker ??= this.#start());
    const { promise, resolve, reject } = Promise.withResolvers<Done>();
    worker.once("message", resolve).once("error", reject);
    worker.ref();
    using deadline = new Patience(this.#deadline, () => {
      const seconds = (this.#deadline.beatMs * this.#deadline.beats) / 1000;
      reject(new Error(`it takes longer than ${seconds} s`));
    });
    // A new thread has its modules to read first.
    const renew = () => deadline.renew();
    worker.once("online", renew);
    try {
      worker.postMessage(task);
      const done = await promise;
      if (done.failure !== undefined) throw new Failure(done.failure);
      return done;
    } catch (error) {
      if (error instanceof Failure) throw error;
      this.#worker = undefined;
      void worker.terminate();
      const field = task.kind === "compile" ? fieldOf(task.language) : "";
      throw cannotCompile(error as NodeJS.ErrnoException, field);
    } finally {
      worker.off("message", resolve).off("error", reject).off("online", renew);
      worker.unref();
    }
  }

  #start(): Worker {
    // The flag of this process (heap.ts) would count for more than the limits of a thread.
    setFlagsFromString(`--max-old-space-size=${HEAP_MAX_MEBIBYTES}`);
    const worker = new Worker(new URL("grammar-worker.ts", import.meta.url), {
      name: "grammar",
      workerData: this.#source,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MEBIBYTES },
    });
    worker.unref();
    // One that ends while nobody waits is replaced when somebody does.
    worker.on("error", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}

/** What was thrown is its cause: another time, or on another machine, it might be compiled. */
function cannotCompile(cause: NodeJS.ErrnoException, field: string): Failure {
  const { code, message } = cause;
  const why =
    code === "ERR_WORKER_OUT_OF_MEMORY"
      ? `it takes more than ${HEAP_MAX_MEBIBYTES} MiB of memory`
      : message;
  const text = `What the answer must be cannot be compiled: ${why}.`;
  return new Failure(invalidRequest(field || null, text, "schema_too_large").data, { cause });
}
