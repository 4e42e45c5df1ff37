import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceFacts, openLibrary, requireAccelerator } from "./library.ts";

test("who was given devices and may not do without fails where llama.cpp finds none", async () => {
  const library = await openLibrary({ gpu: false, log: () => {} });
  assert.deepEqual(deviceFacts(library), []);
  assert.throws(() => requireAccelerator(library, "Required"), {
    name: "AcceleratorMissingError",
    message: /was given a GPU, and llama.cpp finds none that it can use/,
  });
  for (const accelerator of ["Preferred", undefined] as const) {
    requireAccelerator(library, accelerator);
  }
});
