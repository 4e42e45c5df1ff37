import assert from "node:assert/strict";
import { test } from "node:test";
import { explained, reasonIn } from "./load-reason.ts";

const LOG = [
  "llama_model_load: error loading model: unknown model architecture: 'novel'",
  "llama_model_load_from_file_impl: failed to load model",
];

test("the reason is the line that has one, without what the caller says anyway", () => {
  assert.equal(reasonIn(LOG), "unknown model architecture: 'novel'");
  assert.equal(reasonIn(["loading 3 of 4", "load: special tokens cache size = 5"]), undefined);
  assert.equal(reasonIn([]), undefined);
});

test("an assertion's last words are found among the lines of its stack", () => {
  const lines = [
    "/src/llama-model.cpp:455: GGML_ASSERT(hparams.n_expert <= 512) failed",
    "0x7f01",
    "[New LWP 12]",
  ];
  assert.match(
    reasonIn(lines.join("\n").split("\n")) ?? "",
    /^llama-model\.cpp:455: GGML_ASSERT\(hparams\.n_expert <= 512\)/,
  );
});

test("what is known is told with what to do, and what is not as it is", () => {
  assert.equal(
    explained("llama.cpp could not load x.gguf.", LOG),
    "llama.cpp could not load x.gguf. llama.cpp says: unknown model architecture: 'novel'. This version of LocalModel does not know the architecture: use a later version, or another model.",
  );
  assert.equal(explained("It failed", ["error: odd"]), "It failed. llama.cpp says: error: odd");
  assert.equal(explained("It failed", []), "It failed");
});

test("what a caller guesses gives way to the reason, and what it has said is not said twice", () => {
  const guess = "could not load x.gguf: Failed to load model. The file may be incomplete, or worse";
  const advice =
    "This version of LocalModel does not know the architecture: use a later version, or another model.";
  const reason = "unknown model architecture: 'novel'";
  assert.equal(
    explained(guess, LOG),
    `could not load x.gguf. llama.cpp says: ${reason}. ${advice}`,
  );
  assert.equal(
    explained(`could not load x: ${reason}`, LOG),
    `could not load x: ${reason}. ${advice}`,
  );
  assert.equal(explained(guess, []), guess);
});

test("a reason is short, however much is written", () => {
  assert.ok((reasonIn([`error ${"x".repeat(10_000)}`]) ?? "").length <= 500);
});
