/** Whether a projector's header says that it belongs to a model, on files of several kinds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspectWeights } from "@localmodel/weights/inspect-weights.ts";
import { readEmbeddingRows } from "../../../test/support/embedding-rows.ts";
import {
  writePlanarProjector,
  writeRowsProjector,
  writeTiledProjector,
  writeWholeProjector,
} from "../../../test/support/noise-projectors.ts";
import { writeSeeingModel } from "../../../test/support/seeing-models.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { projectorProblem } from "./projector-problem.ts";

const KINDS = {
  "every patch is a row": writeRowsProjector,
  "rows have places in a plane": writePlanarProjector,
  "rows attend to each other": writeWholeProjector,
  "pictures are looked at in tiles": writeTiledProjector,
};
for (const [kind, write] of Object.entries(KINDS)) {
  test(`where ${kind}, a projector of the model's length fits, and one of another is told`, async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath } = await writeSeeingModel(folder);
    const { dimensions } = await readEmbeddingRows(weightsPath);
    const { values: model } = await inspectWeights({ file: { path: weightsPath } });
    const problemWith = async (length: number) => {
      const path = folder.file(`mmproj-${length}.gguf`);
      await write(path, length);
      return projectorProblem(model, await inspectWeights({ file: { path } }));
    };
    assert.equal(await problemWith(dimensions), undefined);
    assert.match(
      (await problemWith(2 * dimensions)) ?? "",
      new RegExp(
        `vectors of ${2 * dimensions} numbers, and this model reads such of ${dimensions}`,
      ),
    );
  });
}

test("weights are no projector, and the projector that sees is the model's", async () => {
  await using folder = await TemporaryFolder.create();
  const { weightsPath, projectorPath } = await writeSeeingModel(folder);
  const weights = await inspectWeights({ file: { path: weightsPath } });
  assert.match(projectorProblem(weights.values, weights) ?? "", /is no projector/);
  const projector = await inspectWeights({ file: { path: projectorPath } });
  assert.equal(projectorProblem(weights.values, projector), undefined);
});
