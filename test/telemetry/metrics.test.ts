/** Metrics of the real services with a tiny model, as Prometheus reads them and as a collector gets them. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { ApiProcess } from "../support/api-process.ts";
import { eventually } from "../support/eventually.ts";
import { ModelServer } from "../support/model-server.ts";
import { valuesOf } from "../support/otlp-protobuf.ts";
import { OtlpReceiver } from "../support/otlp-receiver.ts";
import { metricsUrl, type Sample, scrape, total } from "../support/scrape.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const CHAT = "/v1/chat/completions";
const BODY = {
  model: "tiny",
  messages: [{ role: "user", content: "Hello" }],
  max_tokens: 8,
  ignore_eos: true,
};
const WITH_METRICS = { LOCALMODEL_METRICS_PORT: "0", LOG_FORMAT: "json" };

let folder: TemporaryFolder;
let collector: OtlpReceiver;
let server: ModelServer;
let api: ApiProcess;
let apiMetrics: string;
let serverMetrics: string;

before(async () => {
  folder = await TemporaryFolder.create();
  collector = await OtlpReceiver.start();
  await writeTinyChatModel(folder.file("tiny.gguf"), { contextLength: 65_536 });
  server = await ModelServer.ready(
    {
      weightsPath: folder.file("tiny.gguf"),
      modelId: "tiny",
      aliases: ["gpt"],
      engine: { slots: 2, contextTokens: 65_536, threads: 2, promptThreads: 1 },
    },
    { ...collector.environment, ...WITH_METRICS },
  );
  serverMetrics = await metricsUrl(() => server.output);
  api = await ApiProcess.start({
    models: [
      { id: "tiny", aliases: ["gpt"], endpoints: [server.url], slots: 2 },
      { id: "broken", endpoints: ["http://127.0.0.1:9"] },
      { id: "asleep", endpoints: [], state: "pending" },
    ],
    config: { loadingTimeoutMs: 0 },
    environment: { ...collector.environment, ...WITH_METRICS },
  });
  apiMetrics = await metricsUrl(() => api.output);
});
after(async () => {
  await api[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test("a generation is counted by the names of the conventions", async () => {
  const earlier = await scrape(serverMetrics);
  await (await api.post(CHAT, BODY)).text();
  const now = await scrape(serverMetrics);
  const grown = (name: string, labels = {}) =>
    total(now, name, labels) - total(earlier, name, labels);
  const labels = {
    gen_ai_operation_name: "chat",
    gen_ai_provider_name: "localmodel",
    gen_ai_request_model: "tiny",
  };
  for (const name of [
    "gen_ai_server_request_duration_seconds",
    "gen_ai_server_time_to_first_token_seconds",
    "gen_ai_server_time_per_output_token_seconds",
  ]) {
    assert.equal(grown(`${name}_count`, labels), 1, name);
    assert.ok(grown(`${name}_sum`, labels) > 0, name);
  }
  const usage = "gen_ai_client_token_usage";
  assert.equal(grown(`${usage}_sum`, { gen_ai_token_type: "output" }), 8);
  assert.equal(
    grown("localmodel_prompt_tokens_total"),
    grown(`${usage}_sum`, { gen_ai_token_type: "input" }),
  );
  assert.equal(grown("localmodel_queue_wait_seconds_count"), 1);
  assert.equal(
    grown("http_server_request_duration_seconds_count", {
      http_route: CHAT,
      http_response_status_code: "200",
    }),
    1,
  );
});

test("a prompt that was there before is counted as cached", async () => {
  await (await api.post(CHAT, BODY)).text();
  const earlier = total(await scrape(serverMetrics), "localmodel_prompt_cached_tokens_total");
  await (await api.post(CHAT, BODY)).text();
  const now = total(await scrape(serverMetrics), "localmodel_prompt_cached_tokens_total");
  assert.ok(now > earlier);
});

test("what runs and what waits is seen under vLLM's names, and gone when it is over", async () => {
  const client = new AbortController();
  const body = { ...BODY, n: 3, max_tokens: 60_000, stream: true };
  const answer = await server.client().post("/chat/completions", {
    body,
    stream: true,
    signal: client.signal,
  });
  assert.ok(answer);
  const labels = { model_name: "tiny", engine: "0" };
  const read = async (name: string) => total(await scrape(serverMetrics), `vllm:${name}`, labels);
  await eventually("two choices run and one waits", async () => {
    assert.equal(await read("num_requests_running"), 2);
    assert.equal(await read("num_requests_waiting"), 1);
    const usage = await read("kv_cache_usage_perc");
    assert.ok(usage > 0 && usage < 1, String(usage));
  });
  const samples = await scrape(serverMetrics);
  assert.equal(total(samples, "localmodel_slots"), 2);
  const info = samples.find(({ name }) => name === "vllm:cache_config_info");
  assert.equal(Number(info?.labels["num_gpu_blocks"]), 2 * 65_536);
  const lora = samples.find(({ name }) => name === "vllm:lora_requests_info");
  assert.equal(lora?.labels["running_lora_adapters"], "");
  client.abort();
  await eventually("nothing runs", async () => {
    assert.equal(await read("num_requests_running"), 0);
    assert.equal(await read("num_requests_waiting"), 0);
    assert.equal(await read("kv_cache_usage_perc"), 0);
  });
});

function state(samples: readonly Sample[], name: string): number {
  return total(samples, "localmodel_engine_state", { state: name });
}

test("the state of the engine, and its end, can be alerted on", async () => {
  assert.equal(state(await scrape(serverMetrics), "ready"), 1);
  process.kill(await server.enginePid(), "SIGKILL");
  await eventually("it serves again", async () => {
    const samples = await scrape(serverMetrics);
    assert.equal(total(samples, "localmodel_engine_restarts_total"), 1);
    assert.equal(total(samples, "localmodel_engine_loads_total"), 2);
    assert.equal(state(samples, "ready"), 1);
  });
});

test("threads of steps are told by what the steps are", async () => {
  await eventually("what the engine said last", async () => {
    const samples = await scrape(serverMetrics);
    const threads = (kind: string) => total(samples, "localmodel_engine_threads", { kind });
    assert.equal(threads("prompt"), 1, "as many as the settings say");
    assert.ok([1, 2].includes(threads("answer")), "or less, where others want the cores");
  });
});

test("the API service counts waits, attempts, retries, ejections and rejects by their reason", async () => {
  await (await api.post(CHAT, { ...BODY, model: "gpt" })).text();
  await (await api.post(CHAT, { ...BODY, model: "broken" })).text();
  await (await api.post(CHAT, { ...BODY, model: "asleep" })).text();
  const samples = await scrape(apiMetrics);
  const unreachable = { localmodel_model: "broken", outcome: "unreachable" };
  assert.equal(total(samples, "localmodel_upstream_attempts_total", unreachable), 3);
  assert.equal(
    total(samples, "localmodel_upstream_retries_total", {
      localmodel_model: "broken",
      reason: "unreachable",
    }),
    2,
  );
  assert.ok(total(samples, "localmodel_endpoint_ejections_total", { reason: "unreachable" }) > 0);
  assert.ok(
    total(samples, "localmodel_queue_wait_seconds_count", { localmodel_model: "tiny" }) > 0,
  );
  assert.equal(total(samples, "localmodel_rejects_total", { reason: "model_loading" }), 1);
  assert.equal(total(samples, "localmodel_model_endpoints", { localmodel_model: "tiny" }), 1);
  assert.equal(total(samples, "localmodel_requests_in_flight"), 0);
});

test("thousands of models, paths, methods and clients that nobody knows make no series", async () => {
  await Promise.all([
    fetch(`${api.url}/nowhere`, { method: "POST" }),
    api.post(CHAT, { model: "unknown" }),
    fetch(`${api.url}/v1/models/unknown`),
  ]);
  const earlier = await scrape(apiMetrics);
  const batch = (index: number): Promise<unknown>[] => [
    api.post(CHAT, { model: `unknown-${index}`, user: `user-${index}` }).then((it) => it.text()),
    fetch(`${api.url}/nowhere/${index}`, { method: "POST" }).then((it) => it.text()),
    fetch(`${api.url}/v1/models/unknown-${index}`, {
      headers: { authorization: `Bearer sk-${index}`, "user-agent": `agent-${index}` },
    }).then((it) => it.text()),
  ];
  for (let index = 0; index < 1000; index += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, offset) => batch(index + offset)).flat());
  }
  const now = await scrape(apiMetrics);
  assert.equal(now.length, earlier.length);
  assert.ok(total(now, "localmodel_rejects_total", { reason: "model_not_found" }) >= 2000);
});

test("an alias is a label, whatever else a client calls the model is not", async () => {
  await server.client().chat.completions.create({ ...BODY, model: "gpt" } as never);
  for (let index = 0; index < 100; index += 1) {
    await server
      .client()
      .chat.completions.create({ ...BODY, model: `unknown-${index}` } as never)
      .catch(() => undefined);
  }
  const names = new Set(
    (await scrape(serverMetrics)).map(({ labels }) => labels["gen_ai_request_model"]),
  );
  assert.deepEqual(names, new Set([undefined, "tiny", "gpt"]));
});

test("a bucket leads to the trace of a request", async () => {
  await (await api.post(CHAT, BODY, { headers: { "x-request-id": "exemplar" } })).text();
  const accept = "application/openmetrics-text;version=1.0.0";
  const response = await fetch(serverMetrics, { headers: { accept } });
  assert.match(response.headers.get("content-type") ?? "", /^application\/openmetrics-text/);
  const text = await response.text();
  const ids = Array.from(
    text.matchAll(/^gen_ai_server_time_to_first_token_seconds_bucket.* # \{trace_id="(\w+)"/gm),
    ([, id]) => id,
  );
  assert.ok(ids.length > 0);
  await collector.until("their traces", () => {
    const known = new Set(collector.spans.map(({ traceId }) => traceId));
    return ids.every((id) => known.has(id ?? "")) ? known : undefined;
  });
  assert.match(text, /\n# EOF\n$/);
});

test("a collector gets the same, by OpenTelemetry's names", async () => {
  const name = "gen_ai.server.time_to_first_token";
  const metric = await collector.until(name, () => collector.metrics.get(name));
  assert.equal(metric.unit, "s");
  const [point] = metric.histogram?.dataPoints ?? [];
  assert.ok(point && Number(point.count) > 0);
  assert.equal(valuesOf(point.attributes)["gen_ai.operation.name"], "chat");
  await collector.until("the API service's", () =>
    collector.metrics.get("localmodel.upstream.attempts"),
  );
});

test("metrics are served where the port is, and nowhere else", async () => {
  assert.equal((await fetch(`${api.url}/metrics`)).status, 404);
  assert.equal((await fetch(`${server.url}/metrics`)).status, 404);
  assert.equal((await fetch(apiMetrics.replace("/metrics", "/v1/models"))).status, 404);
});

test("a port for metrics that is taken ends the service with a reason", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  await assert.rejects(
    ApiProcess.start({ models: [], config: { metricsPort: port } }),
    /another program already uses port/,
  );
});
