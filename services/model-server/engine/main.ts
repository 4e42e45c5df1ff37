/**
 * The engine process: loads one model, then does what the HTTP process asks over the IPC channel.
 *
 * It lives and dies with that channel. A failed native assertion ends only this process, and unloading
 * a model is exiting.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { FailureReason } from "@localmodel/localmodel/contracts/server-state.ts";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { Failure, type FailureData } from "@localmodel/inference/failure.ts";
import { createLogger } from "@localmodel/service/log.ts";
import { CancelledError } from "./stepping/cancelled-error.ts";
import { EmbeddingQueue } from "./stepping/embedding-queue.ts";
import type { GenerationContext } from "./llama/context.ts";
import { type LoadedEngine, loadEngine } from "./load.ts";
import { DoesNotFitError, NotAGgufError } from "./model/load-error.ts";
import { encodePrompts } from "./prompt/prompt.ts";
import type { FromEngine, ToEngine } from "./protocol.ts";
import { Scheduler } from "./stepping/scheduler.ts";
import { atOnce, type InTurn, turns } from "./stepping/turns.ts";

/** Steps that fail in a row before the process gives way to a new one. */
const BROKEN_STEPS_MAX = 3;

const log = createLogger("engine");

// Ctrl-C reaches every process of a terminal; when to end is the HTTP process's decision.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));

process.once("message", (message: ToEngine) => {
  if (message.type === "load") void load(message.config);
});

async function load(config: ServerConfig): Promise<void> {
  try {
    const loaded = await loadEngine(config, {
      progress: (progress) => send({ type: "loading", progress }),
      log: (level, message) => log[level](message),
    });
    process.on("message", serve(loaded, config));
    send({ type: "ready", model: loaded.facts });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = reasonOf(error);
    log.error("cannot load the model", { reason, error: message });
    process.send?.({ type: "failed", reason, message } satisfies FromEngine, () => process.exit(1));
  }
}

function serve(loaded: LoadedEngine, config: ServerConfig): (message: ToEngine) => void {
  const inTurn = loaded.generations.length > 1 ? turns() : atOnce;
  const schedulers = new Map(
    loaded.generations.map(({ adapter, context }) => [
      adapter,
      generationScheduler(loaded, { ...context, inTurn }, config),
    ]),
  );
  // The weights, which are what is cold, are the same for all.
  void schedulers.get(undefined)?.warmUp();
  const embeddings = loaded.embedder && embeddingQueue(loaded, loaded.embedder);
  return (message) => {
    switch (message.type) {
      case "generate":
        void schedulers.get(message.request.adapter)?.generate(message.id, message.request);
        break;
      case "embed":
        if (embeddings !== undefined) void embed(embeddings, message);
        break;
      case "cancel":
        for (const scheduler of schedulers.values()) scheduler.cancel(message.id);
        embeddings?.cancel(message.id);
        break;
      case "load":
        log.warn("asked to load a second model", { weightsPath: message.config.weightsPath });
        break;
    }
  };
}

function generationScheduler(
  { facts, tokenizer, vocabulary, isEnd }: LoadedEngine,
  { sequences, inTurn }: Pick<GenerationContext, "sequences"> & { readonly inTurn: InTurn },
  config: ServerConfig,
): Scheduler {
  const { contextTokens } = facts;
  return new Scheduler({
    sequences,
    inTurn,
    contextTokens,
    batchTokens: config.engine.batchTokens,
    vocabulary,
    isEnd,
    encode: (request, signal) => encodePrompts(request, tokenizer, { contextTokens, signal }),
    send: (events) => send({ type: "events", events }),
    onBroken: (error, inARow) => {
      log.error("a decode step failed", { error: String(error), inARow });
      if (inARow >= BROKEN_STEPS_MAX) process.exit(1);
    },
  });
}

function embeddingQueue(
  { facts, tokenizer }: LoadedEngine,
  embedder: NonNullable<LoadedEngine["embedder"]>,
): EmbeddingQueue {
  return new EmbeddingQueue({ embedder, tokenizer, contextTokens: facts.contextTokens });
}

async function embed(
  queue: EmbeddingQueue,
  { id, request }: Extract<ToEngine, { type: "embed" }>,
): Promise<void> {
  try {
    const result = await queue.embed(id, request);
    send({ type: "events", events: [{ id, ...result }] });
  } catch (error) {
    if (error instanceof CancelledError) return;
    send({ type: "events", events: [{ id, error: errorData(error) }] });
  }
}

function errorData(error: unknown): FailureData {
  if (error instanceof Failure) return error.data;
  log.error("an embedding failed", { error: String(error) });
  return engineFailed("The engine failed to embed this input.").data;
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof NotAGgufError) return "NotAGguf";
  if (error instanceof DoesNotFitError) return "DoesNotFit";
  return "LoadFailed";
}

function send(message: FromEngine): void {
  // Without a parent there is nobody left to serve; "disconnect" ends the process.
  if (process.connected) process.send?.(message);
}
