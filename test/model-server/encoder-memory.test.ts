/** What a projector's header says of the memory that looking takes, against what llama.cpp allocates for it. */
import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { loadModel } from "@localmodel/llama/model.ts";
import { loadProjector } from "@localmodel/llama/vision/projector.ts";
import { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import { encoderBytes } from "@localmodel/weights/gguf/encoder-memory.ts";
import { inspectWeights } from "@localmodel/weights/inspect-weights.ts";
import { besideBytes, modelFilesOf } from "../../services/model-server/engine/model/model-files.ts";
import { readEmbeddingRows } from "../support/embedding-rows.ts";
import { writeHearingProjector } from "../support/hearing-projectors.ts";
import { testLlama } from "../support/llama-models.ts";
import { TINY, writeRowsProjector, writeWholeProjector } from "../support/noise-projectors.ts";
import { writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

/** As wide as real ones are, with few layers: what one takes is there for the next. */
const WIDE = {
  ...TINY,
  patch: 16,
  grid: 32,
  features: 384,
  heads: 6,
  feedForward: 1536,
  blocks: 2,
};
/** What is counted for graphs and threads is not among llama.cpp's buffers. */
const SPARE_BYTES = 64 * 2 ** 20;

for (const [kind, write] of [
  ["every patch is a row", writeRowsProjector],
  ["rows attend to each other", writeWholeProjector],
  ["sounds are heard", writeHearingProjector],
] as const) {
  test(`where ${kind}, an encoder takes no more than its header says, and not far less`, async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath } = await writeSeeingModel(folder);
    const { dimensions } = await readEmbeddingRows(weightsPath);
    const path = folder.file("mmproj.gguf");
    await write(path, dimensions, WIDE);
    using model = await loadModel(await testLlama(), { path: weightsPath });
    const { reservations } = await loadProjector(model, { path, threads: 1 });
    const allocated = reservations.reduce((sum, { bytes }) => sum + bytes, 0);
    const { values } = await inspectWeights({ file: { path } });
    const told = (encoderBytes(values) ?? 0) - SPARE_BYTES;
    assert.ok(allocated > 0 && told >= allocated, `${told} of ${allocated}`);
    assert.ok(told <= 3 * allocated, `${told} of ${allocated}`);
  });
}

test("an encoder of pictures of any size is told to take what the largest takes", () => {
  const fixed = gibibytes(header("gemma3"));
  const any = gibibytes(header("qwen2vl_merger"));
  const windowed = gibibytes(header("qwen2.5vl_merger", { n_wa_pattern: 8 }));
  assert.ok(fixed < 0.2 && any > 0.8 && any < 1.2, `${fixed} ${any}`);
  assert.ok(windowed > any + 0.5 && windowed < 3, `${windowed}`);
  assert.equal(encoderBytes(header("qwen2vl_merger", { patch_size: 0 })), undefined);
  assert.equal(encoderBytes(header("mlp", { image_size: 2 ** 50 })), undefined);
});

test("what layers leave on a device is the projector's file, and what looking takes as well", async () => {
  await using folder = await TemporaryFolder.create();
  const { weightsPath } = await writeSeeingModel(folder);
  const { dimensions } = await readEmbeddingRows(weightsPath);
  const projectorPath = folder.file("mmproj.gguf");
  await writeWholeProjector(projectorPath, dimensions, WIDE);
  const config = { modelId: "m", createdSeconds: 1, weightsPath, host: "127.0.0.1", port: 0 };
  const plain = await modelFilesOf(ServerConfig.parse(config));
  assert.equal(besideBytes(plain), 0);
  const seeing = await modelFilesOf(ServerConfig.parse({ ...config, projectorPath }));
  const { values } = await inspectWeights({ file: { path: projectorPath } });
  const { size } = await stat(projectorPath);
  assert.equal(besideBytes(seeing), size + (encoderBytes(values) ?? 0));
});

/** As large as Qwen2.5-VL's. */
function header(kind: string, more: Record<string, number> = {}): Map<string, string | number> {
  const said = {
    image_size: 560,
    patch_size: 14,
    embedding_length: 1280,
    feed_forward_length: 3420,
    projection_dim: 2048,
    ...more,
  };
  return new Map<string, string | number>([
    ["clip.projector_type", kind],
    ...Object.entries(said).map(([name, value]) => [`clip.vision.${name}`, value] as const),
  ]);
}

function gibibytes(values: Map<string, string | number>): number {
  return (encoderBytes(values) ?? 0) / 2 ** 30;
}
