/**
 * What the HTTP process and the engine process say to each other over their IPC channel.
 *
 * The engine answers with batches: one message per decode step carries the events of every slot, so the
 * cost of the channel does not grow with the number of streams.
 */
import type { ThreadCounts } from "./thread-counts.ts";
import type { FailureData } from "@localmodel/inference/failure.ts";
import type { AnyEvent, AnyRequest } from "@localmodel/inference/operation.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { FailureReason, ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";

export type ToEngine =
  /** Once, and first. The configuration is valid and has its defaults. */
  | { readonly type: "load"; readonly config: ServerConfig }
  | ({ readonly type: "ask"; readonly id: number } & AnyRequest)
  | { readonly type: "cancel"; readonly id: number };

/** One thing that happened to request `id`. The last one is `done`, or a failure. */
export type EngineEvent =
  | { readonly id: number; readonly event: AnyEvent }
  | { readonly id: number; readonly failure: FailureData };

export type FromEngine =
  /** Every HEARTBEAT_MS, whatever else there is to say: its event loop turns. With the threads of its next step. */
  | { readonly type: "alive"; readonly threads: ThreadCounts }
  /** It cannot go on and cannot end by itself either: a thread of it does not come back. */
  | { readonly type: "stuck"; readonly message: string }
  | { readonly type: "loading"; readonly progress: number }
  | { readonly type: "ready"; readonly model: ModelFacts }
  | {
      readonly type: "failed";
      readonly reason: FailureReason;
      readonly message: string;
      /** Others have what it lacks, and may give it back. */
      readonly mayPass?: boolean;
    }
  | { readonly type: "events"; readonly events: readonly EngineEvent[] };

export const HEARTBEAT_MS = 1000;
