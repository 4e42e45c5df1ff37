/** The model server as `npm start` runs it: behind the API service, for which the same work is done once more. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { LocalMode } from "../../test/support/local-mode.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { memoryBelow } from "./memory.ts";
import type { PeerOptions, Side } from "./sides.ts";

const MAIN = fileURLToPath(import.meta.resolve("../../services/local/main.ts"));

export async function startLocal(options: PeerOptions): Promise<Side> {
  const { path, threads, slots, contextTokens, gpuLayers = 0, engine } = options;
  const folder = await TemporaryFolder.create();
  const document = folder.file("model.json");
  await writeFile(
    document,
    JSON.stringify({
      apiVersion: "localmodel.dev/v1alpha1",
      kind: "LocalModel",
      metadata: { name: "test-model" },
      spec: {
        source: { file: { path } },
        engine: { gpuLayers, threads, slots, contextTokens, ...engine },
      },
    }),
  );
  const beganMs = performance.now();
  const local = new LocalMode({ main: MAIN, arguments: [document, "--port", "0"] });
  const url = new URL(await local.url()).origin;
  await local.until("the model is ready", async () => {
    const { ok } = await fetch(`${url}/v1/models/test-model`);
    const { status } = await fetch(`${url}/readyz`);
    return ok && status === 200 ? true : undefined;
  });
  return {
    name: "npm start",
    url,
    readyMs: performance.now() - beganMs,
    memory: () => memoryBelow(local.process.pid ?? 0),
    [Symbol.asyncDispose]: async () => {
      await local[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
