import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../test/support/tiny-models.ts";
import { NoLibrariesError } from "./library/choose.ts";
import { openLlama } from "./llama.ts";
import { LlamaError } from "./native/errors.ts";

test("after libraries were not found, those for another device can be opened, once", async () => {
  const missing = process.platform === "darwin" ? "cuda" : "metal";
  await assert.rejects(openLlama({ gpu: missing, log: ignore }), NoLibrariesError);
  const llama = await openLlama({ gpu: false, log: ignore });
  assert.equal(llama.devices()[0]?.kind, "cpu");
  assert.throws(() => openLlama({ gpu: false, log: ignore }), LlamaError);
});

const PROGRAM = path.join(import.meta.dirname, "fixtures", "exit-while-busy.ts");

for (const when of ["loading", "evaluating"]) {
  test(
    `a process ends when it wants to, also while llama.cpp is ${when}`,
    { timeout: 30_000 },
    async () => {
      await using folder = await TemporaryFolder.create();
      await writeTinyChatModel(folder.file("tiny.gguf"));
      const child = fork(PROGRAM, [folder.file("tiny.gguf"), when], { stdio: "inherit" });
      try {
        const [code] = (await once(child, "exit")) as [number | null];
        assert.equal(code, 3);
      } finally {
        child.kill("SIGKILL");
      }
    },
  );
}

function ignore(): void {
  // Nobody reads this log.
}
