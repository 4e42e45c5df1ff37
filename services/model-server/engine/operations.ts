/**
 * What the engine can do with the model it has loaded, a row for each operation.
 *
 * An operation takes requests by their number, and sends what happens to each until its `done` or a failure.
 */
import type { Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { LoadedEngine } from "./load.ts";
import { pooling } from "./pooling.ts";
import { encodePrompts } from "./prompt/prompt.ts";
import type { EngineEvent } from "./protocol.ts";
import { StepWatch } from "./step-watch.ts";
import { Scheduler } from "./stepping/scheduler.ts";
import { tokenizing } from "./tokenizing.ts";

export type EngineOperation<Asked extends Operation> = {
  ask(id: number, request: RequestOf<Asked>): void;
  /** Also told of requests that are not its own. */
  cancel(id: number): void;
};

/** Only those that the model can do. */
export type EngineOperations = { readonly [Asked in Operation]?: EngineOperation<Asked> };

export type Reporter = {
  readonly send: (events: readonly EngineEvent[]) => void;
  /** Told of what nobody foresaw; it may end the process. */
  readonly onBroken: (error: unknown, inARow: number) => void;
  /** Told of a step that does not end. */
  readonly onStuck: (message: string) => void;
};

export function operationsOf(loaded: LoadedEngine, reporter: Reporter): EngineOperations {
  const { embedder } = loaded;
  return {
    tokenize: tokenizing(loaded, reporter),
    ...(loaded.generation !== undefined && {
      generate: generating(loaded, loaded.generation, reporter),
    }),
    ...(embedder !== undefined && pooling({ ...loaded, embedder }, reporter)),
  };
}

function generating(
  loaded: LoadedEngine,
  { context, files: keptFiles }: NonNullable<LoadedEngine["generation"]>,
  reporter: Reporter,
): EngineOperation<"generate"> {
  const { tokenizer, facts } = loaded;
  const { contextTokens } = facts;
  const watch = new StepWatch(reporter.onStuck);
  const scheduler = new Scheduler({
    ...loaded,
    ...reporter,
    context,
    keptFiles,
    contextTokens,
    watched: (step) => watch.during(step),
    encode: (request, signal) => encodePrompts(request, tokenizer, { contextTokens, signal }),
  });
  void scheduler.warmUp();
  return {
    ask: (id, request) => void scheduler.generate(id, request),
    cancel: (id) => scheduler.cancel(id),
  };
}
