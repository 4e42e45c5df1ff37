/**
 * The chat template on a thread of its own: a template is a program of whoever made the weights, and a conversation can
 * be millions of characters long. Neither may hold up the decode loop, and one that does not end is ended.
 *
 * One conversation is rendered after the other. What a thread that was ended had in hand is refused; the next one gets a
 * new thread.
 */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { Failure, type FailureData } from "@localmodel/inference/failure.ts";
import type { TemplateFacts } from "@localmodel/localmodel/contracts/template-facts.ts";
import type { WrittenProbes } from "@localmodel/tools/derive/probe-calls.ts";
import { Patience, type PatienceLimit } from "@localmodel/service/process/patience.ts";
import {
  cannotRender,
  type ChatPrompt,
  ChatTemplate,
  type TemplateTokens,
} from "./chat-template.ts";
import type { RenderLimit, Segment } from "./marks.ts";

export type TemplateSource = { readonly source: string; readonly tokens: TemplateTokens };
export type RenderRequest = RenderLimit & { readonly prompt: ChatPrompt };
export type TemplateRequest = RenderRequest | { readonly asks: "facts" };
/** What was found out by rendering conversations. */
type ProbedTemplate = {
  readonly facts: TemplateFacts;
  readonly writtenProbes: WrittenProbes | undefined;
};
export type Answered =
  | { readonly segments: readonly Segment[] }
  | ProbedTemplate
  | { readonly failure: FailureData };

/** A conversation of ten thousand messages takes a second on a slow machine. */
const DEADLINE: PatienceLimit = { beatMs: 1000, beats: 15 };
const HEAP_MAX_MEBIBYTES = 256;
/**
 * Node gives a thread that is at its limit 16 MiB more to end in, and the process dies where they do not suffice: what
 * one collection can move out of the young generation has to fit.
 */
const YOUNG_HEAP_MAX_MEBIBYTES = 16;

export class TemplateThread {
  readonly #source: TemplateSource;
  readonly #deadline: PatienceLimit;
  #worker: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws for what is no template. */
  constructor(source: string, tokens: TemplateTokens, deadline = DEADLINE) {
    void new ChatTemplate(source, tokens);
    this.#source = { source, tokens };
    this.#deadline = deadline;
    this.#worker = this.#start();
  }

  /** Throws a Failure for a template that can render nothing, does not end or takes too much memory. */
  async probed(): Promise<ProbedTemplate> {
    const answered = await this.#inTurn({ asks: "facts" });
    if (!("facts" in answered)) throw new TypeError("The thread answered something else.");
    return answered;
  }

  /** Throws a Failure as ChatTemplate does, and when the template does not end or takes too much memory. */
  async render(
    prompt: ChatPrompt,
    { contextTokens, signal }: RenderLimit & { readonly signal?: AbortSignal },
  ): Promise<readonly Segment[]> {
    const answered = await this.#inTurn({ prompt, contextTokens }, signal);
    if (!("segments" in answered)) throw new TypeError("The thread answered something else.");
    return answered.segments;
  }

  #inTurn(request: TemplateRequest, signal?: AbortSignal): Promise<Answered> {
    const answered = this.#turn.then(() => {
      signal?.throwIfAborted();
      return this.#ask(request);
    });
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  async #ask(request: TemplateRequest): Promise<Answered> {
    const worker = (this.#worker ??= this.#start());
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    worker.once("message", resolve).once("error", reject);
    worker.ref();
    using deadline = new Patience(this.#deadline, () => {
      const seconds = (this.#deadline.beatMs * this.#deadline.beats) / 1000;
      reject(new Error(`it did not end within ${seconds} s`));
    });
    // A new thread has its modules to read first.
    const renew = () => deadline.renew();
    worker.once("online", renew);
    try {
      worker.postMessage(request);
      const answered = await promise;
      if ("failure" in answered) throw new Failure(answered.failure);
      return answered;
    } catch (error) {
      if (error instanceof Failure) throw error;
      this.#worker = undefined;
      void worker.terminate();
      throw cannotRender(reasonOf(error));
    } finally {
      worker.off("message", resolve).off("error", reject).off("online", renew);
      worker.unref();
    }
  }

  #start(): Worker {
    // The flag of this process (heap.ts) would count for more than the limits of a thread.
    setFlagsFromString(`--max-old-space-size=${HEAP_MAX_MEBIBYTES}`);
    const worker = new Worker(new URL("template-worker.ts", import.meta.url), {
      name: "chat-template",
      workerData: this.#source,
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MAX_MEBIBYTES,
        maxYoungGenerationSizeMb: YOUNG_HEAP_MAX_MEBIBYTES,
      },
    });
    worker.unref();
    // One that ends while nobody waits is replaced when somebody does.
    worker.on("error", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY")
    return `it takes more than ${HEAP_MAX_MEBIBYTES} MiB of memory`;
  return message;
}
