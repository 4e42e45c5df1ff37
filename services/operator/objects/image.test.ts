/** Which image a model gets by the devices that it asks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { modelWith, platform } from "../fixtures/models.ts";
import { architecturesOf, mayRun, serverImage } from "./image.ts";

const withRocm = {
  ...platform,
  images: { ...platform.images, rocm: "registry.example/server-rocm:1" },
  architectures: { rocm: ["amd64"] },
};
const asking = (gpu: NonNullable<LocalModelSpecInput["gpu"]>) => modelWith({ gpu });

test("devices of AMD are served by ROCm where there is an image for it, whole ones and partitions", () => {
  for (const resourceName of ["amd.com/gpu", "amd.com/cpx_nps4"]) {
    const model = asking({ resourceName });
    assert.equal(serverImage(model, withRocm), "registry.example/server-rocm:1");
    assert.deepEqual(architecturesOf(model, withRocm), ["amd64"]);
    assert.equal(serverImage(model, platform), "server:vulkan");
  }
});

test("an image for ROCm is for nobody else", () => {
  const intel = asking({ resourceName: "gpu.intel.com/xe" });
  assert.equal(serverImage(intel, withRocm), "server:vulkan");
  assert.equal(serverImage(asking({}), withRocm), "server:cuda");
  assert.equal(serverImage(modelWith({}), withRocm), "server:cpu");
  const { vulkan: _, ...images } = withRocm.images;
  assert.equal(serverImage(intel, { ...withRocm, images }), "server:cpu");
});

test("an image of one's own comes before the one for ROCm, and may be another version of it", () => {
  const image = "registry.example/server-rocm:2";
  const model = modelWith({ gpu: { resourceName: "amd.com/gpu" }, runtime: { image } });
  assert.equal(serverImage(model, withRocm), image);
  assert.ok(mayRun(image, withRocm));
  assert.ok(!mayRun(image, platform));
});
