/**
 * Headers of weights that are nearly right: by the thousand through what reads them before anything is loaded, and some
 * of them into a real engine.
 *
 * FUZZ_HEADERS is how many are read (1000), FUZZ_LOADS how many of those that seem right are loaded (4), FUZZ_SEED which (1). At night:
 * FUZZ_HEADERS=300000 FUZZ_LOADS=2000 FUZZ_SEED=$(date +%s) npx node --test --test-timeout=36000000 test/attacks/fuzz-headers.test.ts
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { estimateMemory } from "@localmodel/localmodel/contracts/memory-estimate.ts";
import { Inspection } from "@localmodel/localmodel/contracts/inspection.ts";
import { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import { createLogger } from "@localmodel/service/log/log.ts";
import type { ByteSource } from "@localmodel/weights/gguf/byte-cursor.ts";
import { checkGguf } from "@localmodel/weights/gguf/gguf-check.ts";
import { WeightsError } from "@localmodel/weights/source/weights-error.ts";
import fc from "fast-check";
import { EngineProcess } from "../../services/model-server/engine/process/engine-process.ts";
import { inspectionOf } from "../../packages/weights/gguf/inspection-of.ts";
import { changed, madeByStructure } from "../support/fuzzed-headers.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const HEADERS = Number(process.env["FUZZ_HEADERS"] ?? 1000);
const LOADS = Number(process.env["FUZZ_LOADS"] ?? 4);
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const REFUSALS = ["NotAGguf", "Truncated", "InvalidSource"];
const ENGINE = EngineSpec.parse({ gpuLayers: 0, threads: 1, slots: 1, contextTokens: 256 });

/** A good file, and files that are nearly it; the second half of what is made has nothing of it. */
async function headers(t: TestContext) {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  const path = folder.file("good.gguf");
  await writeTinyChatModel(path);
  const good = await readFile(path);
  const headerBytes = good.indexOf("output_norm.weight") + 64;
  return { folder, made: fc.oneof(changed(good, headerBytes), madeByStructure) };
}

function sourceOf(bytes: Buffer): ByteSource {
  return {
    read: async (target, offset, length, position) => ({
      bytesRead: bytes.copy(target, offset, position, position + length),
    }),
  };
}

async function inspect(bytes: Buffer): Promise<string> {
  try {
    const header = await checkGguf(sourceOf(bytes), bytes.length, "model.gguf");
    const inspection = inspectionOf({ ...header, sizeBytes: bytes.length }, { bytes: 0 });
    Inspection.parse(inspection);
    const { totalBytes } = estimateMemory(inspection, ENGINE);
    assert.ok(Number.isFinite(totalBytes) && totalBytes > 0, `${totalBytes} bytes`);
    return "accepted";
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    assert.ok(REFUSALS.includes(error.reason), error.reason);
    assert.ok(error.message.length < 1000, error.message);
    return error.reason;
  }
}

test(`${HEADERS} headers that are nearly right are read or refused, each with its reason`, async (t) => {
  const { made } = await headers(t);
  const seen = new Map<string, number>();
  const property = fc.asyncProperty(made, async (bytes) => {
    const outcome = await inspect(bytes);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  });
  await fc.assert(property, { numRuns: HEADERS, seed: SEED, endOnFailure: true });
  t.diagnostic(JSON.stringify(Object.fromEntries(seen)));
  for (const outcome of ["accepted", "NotAGguf", "Truncated"])
    assert.ok(seen.has(outcome), outcome);
});

test(`${LOADS} of those that are read, given to an engine, are loaded, or it says what is wrong`, async (t) => {
  const { folder, made } = await headers(t);
  const log = createLogger("test", { level: "error", stream: { write: () => true } });
  const states = new Map<string, number>();
  for (const [index, bytes] of (await accepted(made)).entries()) {
    const weightsPath = folder.file(`model-${index}.gguf`);
    await writeFile(weightsPath, bytes);
    const config = { modelId: "m", createdSeconds: 0, weightsPath, engine: ENGINE };
    const engine = new EngineProcess(ServerConfig.parse(config), log);
    const state = await settled(engine);
    await engine.stop();
    states.set(state.state, (states.get(state.state) ?? 0) + 1);
    const said = state.state === "ready" || state.message.length > 20;
    assert.ok(said, `load ${index} of seed ${SEED}: ${state.state}, ${state.message}`);
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(states)));
});

/** Those that come as far as llama.cpp. */
async function accepted(made: fc.Arbitrary<Buffer>): Promise<readonly Buffer[]> {
  const found: Buffer[] = [];
  for (let seed = SEED; found.length < LOADS; seed++) {
    for (const bytes of fc.sample(made, { numRuns: 20, seed })) {
      if ((await inspect(bytes)) === "accepted") found.push(bytes);
    }
  }
  return found.slice(0, LOADS);
}

function settled(engine: EngineProcess): Promise<ServerState> {
  const { promise, resolve } = Promise.withResolvers<ServerState>();
  const look = (state: ServerState): void => {
    if (state.state === "ready" || state.state === "failed") resolve(state);
  };
  engine.onState(look);
  look(engine.state);
  return promise;
}
