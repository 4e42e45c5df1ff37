/**
 * What the HTTP process and the engine process say to each other over their IPC channel.
 *
 * The engine answers with batches: one message per decode step carries the events of every slot, so the
 * cost of the channel does not grow with the number of streams.
 */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { FailureReason, ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import type { FailureData } from "@localmodel/inference/failure.ts";
import type { EmbedRequest } from "@localmodel/inference/embed.ts";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { EmbedResult } from "./contract.ts";

export type ToEngine =
  /** Once, and first. The configuration is valid and has its defaults. */
  | { readonly type: "load"; readonly config: ServerConfig }
  | { readonly type: "generate"; readonly id: number; readonly request: GenerateRequest }
  | { readonly type: "embed"; readonly id: number; readonly request: EmbedRequest }
  | { readonly type: "cancel"; readonly id: number };

/** One thing that happened to request `id`. */
export type EngineEvent =
  | { readonly id: number; readonly event: GenerateEvent }
  | { readonly id: number; readonly error: FailureData }
  | ({ readonly id: number } & EmbedResult);

export type FromEngine =
  | { readonly type: "loading"; readonly progress: number }
  | { readonly type: "ready"; readonly model: ModelFacts }
  | { readonly type: "failed"; readonly reason: FailureReason; readonly message: string }
  | { readonly type: "events"; readonly events: readonly EngineEvent[] };
