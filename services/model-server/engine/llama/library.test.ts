import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { accessProblem, deviceFacts, openLibrary } from "./library.ts";

test("where llama.cpp finds no device, the problem says so", async () => {
  const library = await openLibrary({ gpuLayers: 0 }, () => {});
  assert.deepEqual(deviceFacts(library), []);
  const problem = accessProblem(library);
  assert.equal(problem?.reason, "AcceleratorMissing");
  assert.match(problem?.message ?? "", /was given a GPU, and llama.cpp finds none that it can use/);
});

test(
  "the machine's NUMA nodes are looked at where a LocalModel says how, and only there",
  { skip: !existsSync("/sys/devices/system/node/node0") },
  async () => {
    const looked = /NUMA already initialized/;
    assert.match(await saidWhenNodesAreLookedAt({ numa: "distribute" }), looked);
    assert.doesNotMatch(await saidWhenNodesAreLookedAt({}), looked);
  },
);

/** By a process that opens llama.cpp so, and then looks itself: ggml does that once, and says so of a second time. */
async function saidWhenNodesAreLookedAt(engine: { readonly numa?: string }): Promise<string> {
  const library = new URL("library.ts", import.meta.url).href;
  const program = `
    const { openLibrary } = await import(${JSON.stringify(library)});
    const { llama } = await openLibrary(${JSON.stringify({ gpuLayers: 0, ...engine })}, () => {});
    llama.native.call.llama_numa_init(1);`;
  const { stderr } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "-e",
    program,
  ]);
  return stderr;
}
