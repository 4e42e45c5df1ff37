/** One trace on a laptop: `npm start` with OpenTelemetry's variables, and nothing else to be set. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { LocalMode } from "../support/local-mode.ts";
import { OtlpReceiver, spansOf } from "../support/otlp-receiver.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const MAIN = fileURLToPath(new URL("../../services/local/main.ts", import.meta.url));

test("the processes of local mode send one trace", async (t) => {
  const folder = await TemporaryFolder.create();
  const collector = await OtlpReceiver.start();
  await writeTinyChatModel(folder.file("tiny.gguf"));
  await writeFile(
    folder.file("model.yaml"),
    `apiVersion: localmodel.dev/v1alpha1
kind: LocalModel
metadata: { name: tiny }
spec:
  modelId: tiny
  source: { file: { path: ${JSON.stringify(folder.file("tiny.gguf"))} } }
  engine: { slots: 1, threads: 1, gpuLayers: 0 }
`,
  );
  const local = new LocalMode({
    main: MAIN,
    arguments: [folder.file("model.yaml"), "--port", "0"],
    environment: { ...collector.environment, LOCALMODEL_METRICS_PORT: "0" },
  });
  t.after(async () => {
    await local[Symbol.asyncDispose]();
    await collector[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const url = await local.url();
  await local.until("the model answers", async () => {
    const answer = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-request-id": "laptop" },
      body: JSON.stringify({
        model: "tiny",
        messages: [{ role: "user", content: "Hello" }],
        max_tokens: 2,
      }),
    });
    await answer.text();
    return answer.ok ? true : undefined;
  });
  const answered = await collector.until("an answered request", () =>
    collector.spans.find(({ name }) => name === "decode"),
  );
  const tree = await collector.trace(
    ({ traceId, parentSpanId }) => traceId === answered.traceId && parentSpanId === "",
    12,
  );
  const services = new Set(spansOf(tree).map(({ service }) => service));
  assert.deepEqual(services, new Set(["localmodel-api", "localmodel-model-server"]));
});
