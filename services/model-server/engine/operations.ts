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
import type { KeptFiles } from "./stepping/slots.ts";
import type { StepContext } from "./stepping/step-context.ts";
import { atOnce, type InTurn, turns } from "./stepping/turns.ts";
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
    ...(loaded.generations.length > 0 && { generate: generating(loaded, reporter) }),
    ...(embedder !== undefined && pooling({ ...loaded, embedder }, reporter)),
  };
}

function generating(loaded: LoadedEngine, reporter: Reporter): EngineOperation<"generate"> {
  const turn = loaded.generations.length > 1 ? turns() : atOnce;
  const watch = new StepWatch(reporter.onStuck);
  const inTurn: InTurn = (step) => turn(() => watch.during(step));
  const schedulers = new Map(
    loaded.generations.map(({ adapter, context, files: keptFiles }) => [
      adapter,
      scheduler(loaded, {
        context,
        keptFiles,
        inTurn,
        // Its sequences are the slots of one context: what adapters make of the model, it does not know.
        drafter: adapter === undefined ? loaded.drafter : undefined,
        ...reporter,
      }),
    ]),
  );
  // The weights, which are what is cold, are the same for all.
  void schedulers.get(undefined)?.warmUp();
  return {
    ask: (id, request) => void schedulers.get(request.adapter)?.generate(id, request),
    cancel: (id) => {
      for (const one of schedulers.values()) one.cancel(id);
    },
  };
}

function scheduler(
  { facts, tokenizer, vocabulary, ends, constraints, keptStatesBytes, draftTokens }: LoadedEngine,
  own: {
    readonly context: StepContext;
    readonly keptFiles: KeptFiles | undefined;
    readonly inTurn: InTurn;
    readonly drafter: LoadedEngine["drafter"];
  } & Reporter,
): Scheduler {
  const { contextTokens } = facts;
  return new Scheduler({
    ...own,
    contextTokens,
    vocabulary,
    ends,
    constraints,
    draftTokens,
    keptStatesBytes,
    encode: (request, signal) => encodePrompts(request, tokenizer, { contextTokens, signal }),
  });
}
