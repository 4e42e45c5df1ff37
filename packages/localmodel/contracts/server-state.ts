/**
 * What a model server says about itself: the body of its `/readyz`, and the message it sends to a
 * parent process at every change.
 *
 * It serves in state "ready", and in "asleep", where requests wait until the weights are there. Everything else carries a
 * message for a person.
 */
import type { CallSyntax } from "@localmodel/tools/syntax/call-syntax.ts";
import type { TemplateFacts } from "./template-facts.ts";
import type { SamplingSpec } from "../resource/engine-spec.ts";

/** `vision`: images in chats. `audio`: sounds in them. */
export type Capability =
  | "chat"
  | "completions"
  | "infill"
  | "embeddings"
  | "rerank"
  | "vision"
  | "audio";

/** What the weights turned out to be, and how they were loaded. */
export type ModelFacts = {
  readonly architecture: string;
  readonly parameters: number;
  readonly quantization: string;
  /** Of the weights' files, as in the status of a LocalModel. */
  readonly sizeBytes: number;
  /** Context the model was trained for. */
  readonly trainContextTokens: number;
  /** Context of each slot, as loaded. */
  readonly contextTokens: number;
  readonly slots: number;
  readonly vocabularyTokens: number;
  readonly embeddingDimensions: number;
  readonly capabilities: readonly Capability[];
  /** Samples of a second that its projector hears; absent where it hears nothing. */
  readonly audioSampleRate?: number;
  /** Absent where the model does not chat. */
  readonly template?: TemplateFacts;
  /** Why a model that generates does not chat: what its chat template cannot do. */
  readonly chatProblem?: string;
  /** How it writes calls of tools. Absent where the model does not chat. */
  readonly toolSyntax?: CallSyntax;
  /** GPUs that llama.cpp can use, in its words; absent on the CPU. */
  readonly devices?: readonly DeviceFacts[];
  /** Layers that are on devices, of all, the output layer included; absent on the CPU. */
  readonly offloaded?: { readonly layers: number; readonly ofLayers: number };
  /** Of NVIDIA's driver, where the system tells. */
  readonly driverVersion?: string;
  /** Why a server that was given devices does without them, wholly or in part. */
  readonly acceleratorProblem?: AcceleratorProblem;
  /** Weights and contexts together, as the engine accounts for them. */
  readonly memoryBytes: { readonly ram: number; readonly vram: number };
  /** Sampling defaults the file itself carries (`general.sampling.*`). */
  readonly sampling: SamplingSpec;
  /** OpenAI's `system_fingerprint`: changes with the weights, the engine and its settings. */
  readonly fingerprint: string;
};

export type DeviceFacts = {
  readonly name: string;
  readonly memoryBytes: number;
  /** Of it, when the server asked; absent where that is not passed on. */
  readonly freeBytes?: number;
};

export type AcceleratorProblem = {
  readonly reason:
    /** llama.cpp finds no device that it can use. */
    | "AcceleratorMissing"
    /** There is a device, and its driver is older than the image needs. */
    | "DriverTooOld"
    /** Not all layers fit into the devices' memory. */
    | "VramTooSmall";
  readonly message: string;
};

/** Why a model cannot be served; a person must change something. */
export type FailureReason =
  | "NotAGguf"
  | "DoesNotFit"
  | "LoadFailed"
  | "BadConfiguration"
  | AcceleratorProblem["reason"]
  /** A file has other bytes than the LocalModel's checksum says, or has gone. */
  | "ChecksumMismatch"
  /** The kernel killed the engine while it loaded, or soon again after it had been restarted. */
  | "OutOfMemory";

export type ServerState =
  | { readonly state: "loading"; readonly message: string; readonly progress: number }
  | { readonly state: "ready"; readonly message: string; readonly model: ModelFacts }
  /** Its weights are not in memory; `progress` while they come there. */
  | {
      readonly state: "asleep";
      readonly message: string;
      /** Absent until they have been there once. */
      readonly model?: ModelFacts;
      readonly progress?: number;
      /** Why they could not come there, in what may be different next time. */
      readonly problem?: AcceleratorProblem;
    }
  | { readonly state: "restarting"; readonly message: string; readonly retryAfterSeconds: number }
  | { readonly state: "draining"; readonly message: string }
  | { readonly state: "failed"; readonly message: string; readonly reason: FailureReason };

/** Sent over the IPC channel of a service that was started by a parent process. */
export type ServerMessage =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "state"; readonly state: ServerState };
