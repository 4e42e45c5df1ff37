/** What `spec.engine` says of placing weights, as llama.cpp is given it, on a machine that seems to have two devices. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { llama_load_mode, llama_split_mode } from "@localmodel/llama/generated/constants.ts";
import type { llama_model_params } from "@localmodel/llama/generated/structures.ts";
import { readInt32s, readText } from "@localmodel/llama/native/native.ts";
import {
  ServerConfig,
  type ServerConfigInput,
} from "@localmodel/localmodel/contracts/server-config.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { type LlamaLibrary, openLibrary } from "./library.ts";
import { loadOnDevices } from "./on-devices.ts";

const WEIGHTS = { metadata: {}, sizeBytes: 1, besideBytes: 0, onProgress: () => {} };

suite("placing weights", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let weightsPath: string;

  before(async () => {
    folder = await TemporaryFolder.create();
    weightsPath = folder.file("tiny.gguf");
    await writeTinyChatModel(weightsPath);
  });
  after(() => folder[Symbol.asyncDispose]());

  test("hands every option of a LocalModel to llama.cpp", async () => {
    const engine: ServerConfigInput["engine"] = {
      gpuLayers: 3,
      splitMode: "row",
      tensorSplit: [3, 1],
      mainDevice: 1,
      loadMode: "mlock",
      tensorBuffers: [{ pattern: "ffn_up", device: "CPU" }, { pattern: "attn_q" }],
    };
    let seen: object | undefined;
    const library = withTwoDevices(await openLibrary({ gpuLayers: 0 }, () => {}), (params) => {
      const { tensor_split: shares, tensor_buft_overrides: overrides } = params;
      assert.ok(shares && overrides);
      const patterns = [0, 1, 2].map(
        (index) => readText(pointerAt(overrides, 2 * index)) ?? "none",
      );
      seen = {
        layers: params.n_gpu_layers,
        split: params.split_mode,
        main: params.main_gpu,
        load: params.load_mode,
        shares: [...new Float32Array(readInt32s(shares, 2).buffer)],
        patterns,
      };
    });
    await assert.rejects(loadOnDevices(library, configOf({ weightsPath, engine }), WEIGHTS));
    assert.deepEqual(seen, {
      layers: 3,
      split: llama_split_mode.ROW,
      main: 1,
      load: llama_load_mode.MLOCK,
      shares: [3, 1],
      patterns: ["ffn_up", "attn_q", "none"],
    });
  });

  test(
    "locks weights in memory where it is told to",
    { skip: process.platform !== "linux" },
    async () => {
      const earlier = await lockedKiB();
      const engine = await TestEngine.load(weightsPath, {
        contextTokens: 64,
        loadMode: "mmap_mlock",
      });
      assert.ok((await lockedKiB()) > earlier);
      engine.loaded.unload();
      assert.equal(await lockedKiB(), earlier);
    },
  );
});

const configOf = (input: Pick<ServerConfigInput, "weightsPath" | "engine">): ServerConfig =>
  ServerConfig.parse({ modelId: "test", createdSeconds: 0, ...input });

/** The one that is there, which loads nothing but tells what it was to load. */
function withTwoDevices(
  library: LlamaLibrary,
  tell: (params: llama_model_params) => void,
): LlamaLibrary {
  const { llama } = library;
  const devices = () => {
    const [cpu] = llama.devices();
    assert.ok(cpu);
    const gpu = { ...cpu, kind: "gpu" } as const;
    return [cpu, { ...gpu, name: "CUDA0" }, { ...gpu, name: "CUDA1" }];
  };
  const later = async (_: string, __: string, params: llama_model_params) => {
    tell(params);
    return null;
  };
  const native = { ...llama.native, later: later as unknown as typeof llama.native.later };
  return { ...library, llama: { ...llama, gpu: "cuda", devices, native } };
}

function pointerAt(list: bigint, index: number): bigint {
  const words = readInt32s(list + BigInt(8 * index), 2);
  return new BigUint64Array(words.buffer, words.byteOffset, 1)[0] ?? 0n;
}

async function lockedKiB(): Promise<number> {
  return Number(/^VmLck:\s+(\d+)/m.exec(await readFile("/proc/self/status", "utf8"))?.[1]);
}
