/**
 * `spec.engine` and `spec.sampling`: how the weights are run, and what a request gets that says nothing.
 *
 * Absent means "the server decides when it has seen the weights", never zero.
 */
import { z } from "zod";
import { cacheFields } from "./cache-types-spec.ts";
import { placingFields } from "./placing-spec.ts";
import { RopeSpec } from "./rope-spec.ts";

export const EngineSpec = z.strictObject({
  contextTokens: z
    .int()
    .min(16)
    .max(16_777_216)
    .exactOptional()
    .describe(
      "Context window of each slot, in tokens. Default: what the model was trained for; with npm start as far as memory allows, in a cluster at most 4096.",
    ),
  slots: z
    .int()
    .min(1)
    .max(256)
    .default(4)
    .describe("Requests decoded at the same time. Each slot has its own context of contextTokens."),
  maxQueuedRequests: z
    .int()
    .min(0)
    .max(100_000)
    .default(128)
    .describe("Requests that may wait for a slot. One more is answered 429 with Retry-After."),
  gpuLayers: z
    .int()
    .min(0)
    .max(10_000)
    .exactOptional()
    .describe("Layers placed on the GPU. Default: as many as fit; 0 keeps everything on the CPU."),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .exactOptional()
    .describe(
      "CPU threads, at most: where other programs want the CPUs, steps use fewer. Default: the CPUs this process may use; one less with npm start and several models.",
    ),
  promptThreads: z
    .int()
    .min(1)
    .max(1024)
    .exactOptional()
    .describe(
      "CPU threads of steps that evaluate much of a prompt, at most. Default: as many as threads. Machines with many CPUs compute prompts faster with all of them, and answer as fast with fewer, since memory is what answering waits for.",
    ),
  batchTokens: z
    .int()
    .min(16)
    .max(65_536)
    .default(512)
    .describe("Most tokens evaluated in one step, over all slots."),
  imageMaxTokens: z
    .int()
    .min(16)
    .max(65_536)
    .exactOptional()
    .describe(
      "Most tokens that one image becomes, with models that look at images in any size: those with more pixels are made smaller. Default: what the model was made for, about 4096 with Qwen's. Models that look at one size, or at tiles of it, take no notice.",
    ),
  draftTokens: z
    .int()
    .min(0)
    .max(64)
    .exactOptional()
    .describe(
      "Tokens of an answer, at most, that are guessed at a time by what was written before, and evaluated together where that has paid. Default: 16 on a GPU and with quantised weights; otherwise 0, since the size of a batch may change the last bits of what is computed.",
    ),
  flashAttention: z
    .boolean()
    .default(true)
    .describe("Flash attention: faster, and needed by every kvCacheType but f16."),
  ...cacheFields,
  rope: RopeSpec.exactOptional().describe(
    "Positions stretched beyond what the model was trained for (RoPE, YaRN); contextTokens says how far. Default: as the file of the weights says.",
  ),
  ...placingFields,
  promptCacheMiB: z
    .int()
    .min(0)
    .max(1_048_576)
    .exactOptional()
    .describe(
      "Memory, in MiB, for beginnings of conversations that no slot holds any more, so that they are not evaluated again. Default: with npm start an eighth of what the model takes otherwise or, if it stays loaded, of what it leaves of the memory for all models, at most 2048; in a cluster none.",
    ),
  promptCacheDisk: z
    .strictObject({
      directory: z
        .string()
        .max(1024)
        .regex(/^\/[^\0]*$/)
        .exactOptional()
        .describe("On one machine: an absolute path. It is made when it is needed."),
      claimName: z
        .string()
        .min(1)
        .max(253)
        .exactOptional()
        .describe(
          "In a cluster: a PersistentVolumeClaim. Default: a volume that lasts as long as the pod.",
        ),
      maxMiB: z
        .int()
        .min(1)
        .max(1_048_576)
        .default(8192)
        .describe("Most that all files there take; what was used longest ago goes first."),
    })
    .exactOptional()
    .describe(
      "Keeps beginnings of conversations in files too, so that after a restart they are read and not evaluated. They hold what was asked, readable by this user alone. Default: nothing is written.",
    ),
});
export type EngineSpec = z.infer<typeof EngineSpec>;

export const SamplingSpec = z.strictObject({
  temperature: z
    .number()
    .min(0)
    .max(2)
    .exactOptional()
    .describe("Randomness; 0 always takes the likeliest token."),
  topP: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe("Considers the likeliest tokens that together have this probability."),
  topK: z
    .int()
    .min(0)
    .max(1_000_000)
    .exactOptional()
    .describe("Considers so many of the likeliest tokens; 0 considers every token."),
  minP: z
    .number()
    .min(0)
    .max(1)
    .exactOptional()
    .describe("Drops tokens less likely than this share of the likeliest one."),
  presencePenalty: z
    .number()
    .min(-2)
    .max(2)
    .exactOptional()
    .describe("Penalty of tokens that have occurred."),
  frequencyPenalty: z
    .number()
    .min(-2)
    .max(2)
    .exactOptional()
    .describe("Penalty of tokens for each time they have occurred."),
  repeatPenalty: z
    .number()
    .min(0.01)
    .max(10)
    .exactOptional()
    .describe("Factor against repetition; 1 changes nothing."),
  maxTokens: z
    .int()
    .min(1)
    .max(16_777_216)
    .exactOptional()
    .describe("Most tokens of an answer. Default: what fits the context."),
});
export type SamplingSpec = z.infer<typeof SamplingSpec>;
