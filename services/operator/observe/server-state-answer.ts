/** A model server's state as it comes over the network: the part of server-state.ts that is used here. */
import { z } from "zod";

const words = z.string().max(4096);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const model = z.object({
  architecture: z.string().max(128),
  parameters: count,
  quantization: z.string().max(64),
  sizeBytes: count,
  contextTokens: count,
  capabilities: z.array(z.string().min(1).max(64)).max(32),
  devices: z
    .array(
      z.object({
        name: z.string().max(256),
        memoryBytes: count,
        freeBytes: count.exactOptional(),
      }),
    )
    .max(64)
    .exactOptional(),
  memoryBytes: z.object({ vram: count }).exactOptional(),
  offloaded: z.object({ layers: count, ofLayers: count }).exactOptional(),
  driverVersion: z.string().min(1).max(64).exactOptional(),
  acceleratorProblem: z
    .object({
      reason: z.enum(["AcceleratorMissing", "DriverTooOld", "VramTooSmall"]),
      message: words,
    })
    .exactOptional(),
});

export const ServerStateAnswer = z.discriminatedUnion("state", [
  z.object({ state: z.literal("loading"), message: words, progress: z.number() }),
  z.object({
    state: z.literal("ready"),
    message: words,
    model,
  }),
  z.object({ state: z.literal("asleep"), message: words, model: model.exactOptional() }),
  z.object({ state: z.literal("restarting"), message: words, retryAfterSeconds: z.number() }),
  z.object({ state: z.literal("draining"), message: words }),
  z.object({
    state: z.literal("failed"),
    message: words,
    reason: z.string().regex(/^[A-Z][A-Za-z0-9]{0,63}$/),
  }),
]);
