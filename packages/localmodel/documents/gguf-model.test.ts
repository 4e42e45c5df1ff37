import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { modelFromGguf, nameFromFile } from "./gguf-model.ts";
import { LABEL_PATTERN } from "../resource/text.ts";

const names: Record<string, string> = {
  "/m/SmolLM2-135M-Instruct.Q4_1.gguf": "smollm2-135m-instruct-q4-1",
  "/m/Qwen2.5 (copy).GGUF": "qwen2-5-copy",
  "/m/big-00001-of-00003.gguf": "big",
  "/m/Modèle.gguf": "mode-le",
  "/m/模型.gguf": "model",
  "/m/.gguf": "model",
};

for (const [file, name] of Object.entries(names)) {
  test(`nameFromFile names ${file} ${name}`, () => assert.equal(nameFromFile(file), name));
}

test("modelFromGguf gives every file a legal name that is not taken", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (stem) => {
      const file = `/models/${stem.replaceAll(/[\p{Cc}/]/gu, "")}.gguf`;
      const first = modelFromGguf(file, new Set()).metadata.name;
      const second = modelFromGguf(file, new Set([first])).metadata.name;
      assert.match(second, LABEL_PATTERN);
      assert.ok(second.length <= 63 && second !== first);
    }),
  );
});

test("modelFromGguf reads from the file it was given", () => {
  const { spec } = modelFromGguf("/m/a b.gguf", new Set());
  assert.deepEqual(spec.source, { file: { path: "/m/a b.gguf" } });
});
