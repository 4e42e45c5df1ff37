/**
 * Every endpoint that is public, a row each, on its whole way: through the real API service to a real model of its kind.
 * A row without a body here is an error, so none can be forgotten.
 *
 * What of a row is decided in the API service alone (queueing, balancing) is in services/api/every-endpoint.test.ts.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { ENDPOINTS } from "../services/api/endpoints.ts";
import { bearer, key } from "../services/api/fixtures/keys.ts";
import { BODIES } from "../services/api/fixtures/endpoint-bodies.ts";
import { USAGE_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { ApiProcess } from "./support/api-process.ts";
import { ModelServer } from "./support/model-server.ts";
import { OtlpReceiver } from "./support/otlp-receiver.ts";
import { TemporaryFolder } from "./support/temporary-folder.ts";
import { writeTinyChatModel, writeTinyEmbeddingModel } from "./support/tiny-models.ts";

/** What OpenTelemetry's conventions know, and what they have no word for. */
const OPERATION_NAMES = ["chat", "text_completion", "embeddings", "rerank", "tokenize"];
const MODELS: Readonly<Record<string, string>> = {
  generate: "chat",
  tokenize: "chat",
  embed: "embedder",
  rerank: "reranker",
};

suite("every endpoint", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let collector: OtlpReceiver;
  let servers: ModelServer[];
  let api: ApiProcess;
  before(async () => {
    folder = await TemporaryFolder.create();
    collector = await OtlpReceiver.start();
    const [chat, embedder, reranker] = ["chat", "embedder", "reranker"].map((name) =>
      folder.file(`${name}.gguf`),
    );
    assert.ok(chat !== undefined && embedder !== undefined && reranker !== undefined);
    await writeTinyChatModel(chat);
    await writeTinyEmbeddingModel(embedder);
    await writeTinyEmbeddingModel(reranker, { contextLength: 128, ranks: true });
    servers = await Promise.all(
      [
        { weightsPath: chat, modelId: "chat" },
        { weightsPath: embedder, modelId: "embedder" },
        { weightsPath: reranker, modelId: "reranker" },
      ].map((one) => ModelServer.ready({ ...one, promptLogging: true }, collector.environment)),
    );
    const keysFile = folder.file("keys.yaml");
    const keys = [
      key("root", { admin: true }),
      key("alice"),
      key("stranger", { models: ["another"] }),
    ];
    await writeFile(keysFile, JSON.stringify({ keys }));
    api = await ApiProcess.start({
      models: servers.map((one) => ({ id: one.modelId, endpoints: [one.url] })),
      config: { keysFile },
      environment: collector.environment,
    });
  });
  after(async () => {
    await api.stop();
    await Promise.all(servers.map((one) => one[Symbol.asyncDispose]()));
    await collector[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  for (const endpoint of ENDPOINTS) {
    const { path, operation, telemetryName, fields, evaluates } = endpoint;
    const body = { ...BODIES[path], [fields.model]: MODELS[operation] };

    test(`${path} is answered, traced and shown`, async () => {
      assert.ok(path in BODIES, "say what it is asked with: fixtures/endpoint-bodies.ts");
      assert.ok(OPERATION_NAMES.includes(telemetryName));
      const reading = await follow(api, "root", servers.length);
      const response = await api.post(path, body, { headers: bearer("alice") });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      const id = response.headers.get("x-request-id");
      const span = await collector.until(`the span of ${path}`, () =>
        collector.spans.find(
          ({ service, attributes, traceId }) =>
            service !== "localmodel-api" &&
            attributes["gen_ai.operation.name"] !== undefined &&
            collector.spans.some(
              (one) => one.traceId === traceId && one.attributes["localmodel.request.id"] === id,
            ),
        ),
      );
      assert.equal(span.attributes["gen_ai.operation.name"], telemetryName);
      await reading.until(String(id));
    });

    test(`${path} is counted in tokens, by which its key is charged`, async () => {
      const server = servers.find(({ modelId }) => modelId === MODELS[operation]);
      const response = await fetch(`${server?.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", te: "trailers" },
        body: JSON.stringify({ ...body, stream: false }),
      });
      await response.text();
      // What is not evaluated costs nothing.
      const cost =
        evaluates === false ? /^prompt=0 completion=0$/ : /^prompt=[1-9]\d* completion=\d+$/;
      assert.match(response.headers.get(USAGE_HEADER) ?? "", cost);
    });

    test(`${path} refuses strangers, unknown models and wrong bodies in its own form`, async () => {
      const form = new Set<string>();
      for (const [headers, sent, statuses] of [
        [{}, body, [401]],
        [bearer("stranger"), body, [403, 404]],
        [bearer("alice"), { ...body, [fields.model]: "nobody" }, [404]],
        [bearer("alice"), { ...body, [fields.prompt]: 7 }, [400]],
      ] as const) {
        const response = await api.post(path, sent, { headers });
        const refusal = (await response.json()) as object;
        assert.ok((statuses as readonly number[]).includes(response.status), `${response.status}`);
        form.add(Object.keys(refusal).toSorted().join(" "));
      }
      assert.equal(form.size, 1, [...form].join(", "));
    });
  }
});

/** Reads the log stream along, of all servers from the first request on. */
async function follow(api: ApiProcess, name: string, servers: number) {
  const leaving = new AbortController();
  const response = await fetch(`${api.url}/admin/log`, {
    headers: bearer(name),
    signal: leaving.signal,
  });
  assert.equal(response.status, 200);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader !== undefined);
  let seen = "";
  const untilSeen = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) {
      const { value, done } = await reader.read();
      assert.ok(!done, seen);
      seen += value;
    }
  };
  const eventsWith = (part: string) =>
    seen.split("\n\n").filter((one) => one.includes(part) && one.includes("data: "));
  await untilSeen(() => eventsWith('"type":"attached"').length === servers);
  return {
    /** What was asked and what was answered has come. */
    until: async (id: string): Promise<void> => {
      await untilSeen(() => eventsWith(id).length >= 2);
      leaving.abort();
    },
  };
}
