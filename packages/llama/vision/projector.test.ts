/** The projector on real libmtmd: pictures become what the model reads in the place of tokens. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { readEmbeddingRows } from "../../../test/support/embedding-rows.ts";
import { GRID, pictureOf, pictureOfColour, pictureOfText } from "../../../test/support/glyphs.ts";
import { testLlama } from "../../../test/support/llama-models.ts";
import { nameOf, writeSeeingModel } from "../../../test/support/seeing-models.ts";
import { writeSeeingProjector } from "../../../test/support/seeing-projector.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import {
  type EncoderShape,
  TINY,
  writePlanarProjector,
  writeRowsProjector,
} from "../../../test/support/noise-projectors.ts";
import { writeTinyChatModel } from "../../../test/support/tiny-models.ts";
import { loadModel } from "../model.ts";
import { LlamaError, OwnershipError } from "../native/errors.ts";
import { loadProjector } from "./projector.ts";

const ROWS = GRID ** 2;
/** Of a processor: by then a picture is being looked at. */
const LOOKING_US = 400_000;
const POLL_MS = 10;
/** Many patches attend to each other, many times. */
const SLOW: EncoderShape = { ...TINY, grid: 64, features: 64, blocks: 100 };

suite("a projector", { timeout: 120_000 }, () => {
  test("makes rows of a picture that are the embeddings of the letters in it", async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath, projectorPath, tokenOf } = await writeSeeingModel(folder);
    using model = await loadModel(await testLlama(), { path: weightsPath });
    const projector = await loadProjector(model, { path: projectorPath, threads: 1 });
    assert.equal(projector.sees, true);
    const picture = pictureOfText(["HELLO", "", "WORLD"]);
    const layout = projector.layout(picture);
    assert.deepEqual(layout, [{ kind: "rows", rows: ROWS, positions: ROWS, whole: false }]);
    const [rows, ...others] = await projector.encode(picture);
    assert.deepEqual(others, []);
    assert.ok(rows !== undefined && rows.places.length === 0);
    const { dimensions, row } = await readEmbeddingRows(weightsPath);
    const read = ["HELLO   ", "        ", "WORLD   ", ...Array(5).fill("        ")].join("");
    for (const [index, letter] of read.split("").entries()) {
      const found = rows.vectors.subarray(index * dimensions, (index + 1) * dimensions);
      assertNear(found, row(tokenOf(letter)), `row ${index} is ${letter}`);
    }
    const [colour] = await projector.encode(pictureOfColour("yellow"));
    assertNear(colour?.vectors.subarray(0, dimensions), row(tokenOf(nameOf("yellow"))), "yellow");
  });

  test("takes pictures of any size, and says of each how many rows it becomes before it looks", async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath, projectorPath } = await writeSeeingModel(folder);
    using model = await loadModel(await testLlama(), { path: weightsPath });
    const projector = await loadProjector(model, { path: projectorPath, threads: 1 });
    for (const [width, height] of [
      [1, 1],
      [1, 200],
      [200, 1],
      [333, 77],
    ] as const) {
      const picture = pictureOf({ width, height }, new Uint8Array(3 * width * height).fill(90));
      const counts = projector.layout(picture).map((one) => (one.kind === "rows" ? one.rows : 0));
      const encoded = await projector.encode(picture);
      const { inputDimensions } = model.shape;
      assert.deepEqual(
        encoded.map(({ vectors }) => vectors.length / inputDimensions),
        counts,
      );
    }
  });

  test("makes no more rows of a picture than it may, where its size decides", async () => {
    await using folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("planar.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath, { architecture: "qwen2vl" });
    await writePlanarProjector(projectorPath, (await readEmbeddingRows(weightsPath)).dimensions);
    using model = await loadModel(await testLlama(), { path: weightsPath });
    const rowsOf = async (imageMaxTokens?: number): Promise<number> => {
      const options = { path: projectorPath, threads: 1, imageMaxTokens };
      using projector = await loadProjector(model, options);
      const layout = projector.layout({ width: 900, height: 600 });
      return layout.reduce((sum, one) => sum + (one.kind === "rows" ? one.rows : 0), 0);
    };
    const few = await rowsOf(100);
    assert.ok(few > 50 && few <= 100, `${few} of 100`);
    assert.ok((await rowsOf()) > 500);
  });

  test("is refused for a model that it was not made for, and where it is none", async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath } = await writeSeeingModel(folder);
    const wide = folder.file("wide.gguf");
    const token = new Float32Array(96);
    await writeSeeingProjector(wide, {
      dimensions: token.length,
      letters: () => token,
      colours: () => token,
    });
    using model = await loadModel(await testLlama(), { path: weightsPath });
    for (const path of [wide, weightsPath, folder.file("nothing.gguf")]) {
      await assert.rejects(loadProjector(model, { path, threads: 1 }), LlamaError);
    }
  });

  test("stops looking at a picture that nobody wants any more, and looks at the next", async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath } = await writeSeeingModel(folder);
    const projectorPath = folder.file("slow.gguf");
    const { dimensions } = await readEmbeddingRows(weightsPath);
    // Half a minute of a core for a picture: longer than this test may take.
    await writeRowsProjector(projectorPath, dimensions, SLOW);
    using model = await loadModel(await testLlama(), { path: weightsPath });
    const projector = await loadProjector(model, { path: projectorPath, threads: 1 });
    for (const colour of ["red", "blue"] as const) {
      const unwanted = new AbortController();
      const encoding = projector.encode(pictureOfColour(colour), unwanted.signal);
      const before = process.cpuUsage().user;
      // This thread only waits: what is used is the other's.
      while (process.cpuUsage().user - before < LOOKING_US) await setTimeout(POLL_MS);
      unwanted.abort(new Error("unwanted"));
      await assert.rejects(encoding, /unwanted/);
    }
  });

  test("tells who watches it how it gets on with each picture, one at a time", async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath } = await writeSeeingModel(folder);
    const projectorPath = folder.file("some.gguf");
    await writeRowsProjector(
      projectorPath,
      (await readEmbeddingRows(weightsPath)).dimensions,
      TINY,
    );
    using model = await loadModel(await testLlama(), { path: weightsPath });
    const progresses: number[] = [];
    let looking = 0;
    using projector = await loadProjector(model, {
      path: projectorPath,
      threads: 1,
      watched: async (look, progress) => {
        assert.equal(looking++, 0);
        const before = progress();
        const seen = await look();
        looking -= 1;
        progresses.push(progress() - before);
        return seen;
      },
    });
    const pictures = (["red", "blue"] as const).map(pictureOfColour);
    await Promise.all(pictures.map((one) => projector.encode(one)));
    assert.equal(progresses.length, pictures.length);
    assert.ok(progresses.every((pieces) => pieces > 0));
  });

  test("ends with its model, and not while it looks at a picture", async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath, projectorPath } = await writeSeeingModel(folder);
    const model = await loadModel(await testLlama(), { path: weightsPath });
    const projector = await loadProjector(model, { path: projectorPath, threads: 1 });
    const encoding = projector.encode(pictureOfColour("red"));
    assert.throws(() => model[Symbol.dispose](), OwnershipError);
    await encoding;
    const gone = new AbortController();
    gone.abort(new Error("gone"));
    await assert.rejects(projector.encode(pictureOfColour("red"), gone.signal), /gone/);
    model[Symbol.dispose]();
    assert.throws(() => projector.layout({ width: 1, height: 1 }), OwnershipError);
  });
});

function assertNear(found: Float32Array | undefined, wanted: Float32Array, what: string): void {
  const furthest = Math.max(...wanted.map((value, at) => Math.abs(value - (found?.[at] ?? NaN))));
  // Its layers compute with numbers of 16 bits, and embeddings go up to about 1.
  assert.ok(furthest < 1e-2, `${what}: off by ${furthest}`);
}
