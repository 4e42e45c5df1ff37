import assert from "node:assert/strict";
import { test } from "node:test";
import { testLlama } from "../../test/support/llama-models.ts";
import { llama_load_mode, llama_split_mode } from "./generated/constants.ts";
import { modelParams } from "./model-options.ts";
import { readInt32s } from "./native/native.ts";

test("how a model is shared among devices is in llama.cpp's structure, and the shares are where it points", async () => {
  const { native } = await testLlama();
  using holder = modelParams(native, {
    path: "model.gguf",
    splitMode: "row",
    tensorSplit: [3, 1],
    mainGpu: 1,
    loadMode: "mmap_mlock",
  });
  const { params } = holder;
  assert.equal(params.split_mode, llama_split_mode.ROW);
  assert.equal(params.main_gpu, 1);
  assert.equal(params.load_mode, llama_load_mode.MMAP_MLOCK);
  // It reads as many as there may be devices: the rest are zeros.
  const most = native.call.llama_max_devices();
  const shares = readInt32s(params.tensor_split ?? 0n, most);
  assert.deepEqual(
    [...new Float32Array(shares.buffer)],
    [3, 1, ...Array.from({ length: most - 2 }, () => 0)],
  );
});

test("more shares than there may be devices are refused", async () => {
  const { native } = await testLlama();
  const most = native.call.llama_max_devices();
  const tensorSplit = Array.from({ length: most + 1 }, () => 1);
  assert.throws(
    () => modelParams(native, { path: "model.gguf", tensorSplit }),
    new RegExp(`up to ${most} devices, not ${most + 1}`),
  );
});
