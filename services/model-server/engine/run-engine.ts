/**
 * The engine process: loads one model, then does what the HTTP process asks over the IPC channel.
 *
 * It lives and dies with that channel. A failed native assertion ends only this process, and unloading
 * a model is exiting.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { FailureReason } from "@localmodel/localmodel/contracts/server-state.ts";
import { modelNotCapable } from "@localmodel/inference/refusals.ts";
import type { Operation } from "@localmodel/inference/operation.ts";
import { createLogger } from "@localmodel/service/log/log.ts";
import { NO_THREADS } from "./thread-counts.ts";
import { type LoadedEngine, loadEngine } from "./load.ts";
import { AcceleratorError, DoesNotFitError, NotAGgufError } from "./model/load-error.ts";
import { explained } from "./model/load-reason.ts";
import { RecentLines } from "./model/recent-lines.ts";
import type { EngineOperation, EngineOperations, operationsOf } from "./operations.ts";
import { type FromEngine, HEARTBEAT_MS, type ToEngine } from "./protocol.ts";

/** Steps that fail in a row before the process gives way to a new one. */
const BROKEN_STEPS_MAX = 3;

const log = createLogger("engine");

/** `operations` makes what can be asked of the model, once it is loaded. */
export function runEngine(operations: typeof operationsOf): void {
  // Ctrl-C reaches every process of a terminal; when to end is the HTTP process's decision.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", () => process.exit(0));
  // The parent may have gone while this process was still loading its modules.
  if (!process.connected) process.exit(0);
  let engine: LoadedEngine | undefined;
  const beat = (): void => send({ type: "alive", threads: engine?.threads() ?? NO_THREADS });
  setInterval(beat, HEARTBEAT_MS).unref();

  process.once("message", (message: ToEngine) => {
    if (message.type !== "load") return;
    void load(message.config, operations, (loaded) => (engine = loaded));
  });
}

async function load(
  config: ServerConfig,
  operations: typeof operationsOf,
  onLoaded: (loaded: LoadedEngine) => void,
): Promise<void> {
  const said = new RecentLines();
  try {
    const loaded = await loadEngine(config, {
      progress: (progress) => send({ type: "loading", progress }),
      log: (level, message) => {
        said.write(`${message}\n`);
        log[level](message);
      },
      onStuck,
    });
    const reporter = { send: sendEvents, onBroken, onStuck };
    process.on("message", serve(operations(loaded, reporter)));
    onLoaded(loaded);
    send({ type: "ready", model: loaded.facts });
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error);
    const reason = reasonOf(error);
    const message = reason === "LoadFailed" ? explained(failed, said.lines) : failed;
    log.error("cannot load the model", { reason, error: message });
    const mayPass = error instanceof AcceleratorError && error.mayPass;
    const failure = { type: "failed", reason, message, ...(mayPass && { mayPass }) } as const;
    process.send?.(failure satisfies FromEngine, () => process.exit(1));
  }
}

function serve(operations: EngineOperations): (message: ToEngine) => void {
  return (message) => {
    switch (message.type) {
      case "ask":
        ask(operations[message.operation], message);
        break;
      case "cancel":
        for (const operation of Object.values(operations)) operation.cancel(message.id);
        break;
      case "load":
        log.warn("asked to load a second model", { weightsPath: message.config.weightsPath });
        break;
    }
  };
}

function ask(
  operation: EngineOperation<Operation> | undefined,
  { id, operation: name, request }: Extract<ToEngine, { type: "ask" }>,
): void {
  if (operation !== undefined) return operation.ask(id, request);
  const failure = modelNotCapable(`The engine cannot "${name}" with this model.`);
  sendEvents([{ id, failure: failure.data }]);
}

function onBroken(error: unknown, inARow: number): void {
  log.error("the engine failed", { error: String(error), inARow });
  if (inARow >= BROKEN_STEPS_MAX) process.exit(1);
}

function onStuck(message: string): void {
  log.error("the engine is stuck", { error: message });
  send({ type: "stuck", message });
}

function reasonOf(error: unknown): FailureReason {
  if (error instanceof NotAGgufError) return "NotAGguf";
  if (error instanceof DoesNotFitError) return "DoesNotFit";
  if (error instanceof AcceleratorError) return error.reason;
  return "LoadFailed";
}

function sendEvents(events: Extract<FromEngine, { type: "events" }>["events"]): void {
  send({ type: "events", events });
}

function send(message: FromEngine): void {
  // Without a parent there is nobody left to serve; "disconnect" ends the process.
  if (process.connected) process.send?.(message);
}
