/**
 * What Prometheus counts, against what was sent and what clients were told.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type OpenAI from "openai";
import { eventually } from "../support/eventually.ts";
import { OPERATOR } from "../../scripts/dashboards/operator.ts";
import { SERVING } from "../../scripts/dashboards/serving.ts";
import { streamedAnswer, wholeAnswer } from "./harness/answers.ts";
import type { Counts } from "./harness/prometheus.ts";
import { MODEL, NEVER_END, Stack } from "./harness/stack.ts";

const CHAT = {
  model: MODEL,
  messages: [{ role: "user" as const, content: "Name a colour." }],
  max_tokens: 6,
};
const LONG = { ...CHAT, max_tokens: 900, logit_bias: NEVER_END };
const SENT = { whole: 4, streamed: 3, completions: 2 };

suite("the metrics of all services", () => {
  let stack: Stack;
  const told = { input: 0, output: 0 };

  /** Prometheus looks once a second, so what has just happened takes a moment. */
  const counts = async (expression: string, label: string, expected: Counts): Promise<void> =>
    eventually(`${expression} by ${label}`, async () => {
      assert.deepEqual(await stack.prometheus.by(label, expression), expected);
    });

  const tell = (usage: OpenAI.CompletionUsage | undefined): void => {
    told.input += usage?.prompt_tokens ?? Number.NaN;
    told.output += usage?.completion_tokens ?? Number.NaN;
  };

  before(async () => {
    stack = await Stack.start("metrics");
    const client = stack.client();
    for (let sent = 0; sent < SENT.whole; sent++) tell((await wholeAnswer(client, CHAT)).usage);
    for (let sent = 0; sent < SENT.streamed; sent++)
      tell((await streamedAnswer(client, CHAT)).usage);
    const prompt = { model: MODEL, prompt: "One, two, three,", max_tokens: 5 };
    for (let sent = 0; sent < SENT.completions; sent++)
      tell((await client.completions.create(prompt)).usage);
    const { chat } = client;
    await assert.rejects(chat.completions.create({ ...CHAT, messages: [] }), { status: 400 });
    await assert.rejects(chat.completions.create({ ...CHAT, model: "unknown" }), { status: 404 });
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test("come from every service", async () => {
    await counts("up", "instance", { "api:9464": 1, "model-a:9464": 1, "model-b:9464": 1 });
  });

  test("count the API service's answers by their status", async () => {
    const answers = `http_server_request_duration_seconds_count{instance="api:9464", http_request_method="POST"}`;
    const well = SENT.whole + SENT.streamed + SENT.completions;
    await counts(answers, "http_response_status_code", { 200: well, 400: 1, 404: 1 });
    await counts("localmodel_upstream_attempts_total", "outcome", { 200: well, 400: 1 });
    await counts(`localmodel_rejects_total{instance="api:9464"}`, "reason", { model_not_found: 1 });
  });

  test("count generations by their operation", async () => {
    const expected = { chat: SENT.whole + SENT.streamed, text_completion: SENT.completions };
    for (const name of ["request_duration", "time_to_first_token", "time_per_output_token"]) {
      await counts(`gen_ai_server_${name}_seconds_count`, "gen_ai_operation_name", expected);
    }
  });

  test("count the tokens that clients were told", async () => {
    await counts("gen_ai_client_token_usage_sum", "gen_ai_token_type", told);
    await counts("localmodel_prompt_tokens_total", "localmodel_model", { [MODEL]: told.input });
  });

  test("show what runs while it runs, under vLLM's names too, and that it was given up", async () => {
    const givenUp = new AbortController();
    const stream = await stack
      .client()
      .chat.completions.create({ ...LONG, stream: true }, { signal: givenUp.signal });
    const reading = Array.fromAsync(stream);
    await counts("vllm:num_requests_running", "model_name", { [MODEL]: 1 });
    await counts("localmodel_requests_in_flight", "localmodel_model", { [MODEL]: 1 });
    assert.ok((await stack.prometheus.number("max(vllm:kv_cache_usage_perc)")) > 0);
    givenUp.abort();
    await reading.catch(() => undefined);
    await counts("vllm:num_requests_running", "model_name", { [MODEL]: 0 });
    await counts("localmodel_requests_in_flight", "localmodel_model", { [MODEL]: 0 });
    const ended = `gen_ai_server_request_duration_seconds_count{error_type!=""}`;
    await counts(ended, "error_type", { client_closed_request: 1 });
  });

  test("say how a model server is set up, as autoscalers and schedulers read it", async () => {
    const [config] = await stack.prometheus.query("vllm:cache_config_info");
    assert.equal(config?.labels["model_name"], MODEL);
    assert.equal(
      Number(config.labels["block_size"]) * Number(config.labels["num_gpu_blocks"]),
      2048,
    );
    await counts("vllm:num_requests_waiting", "model_name", { [MODEL]: 0 });
    await counts("localmodel_slots", "instance", { "model-a:9464": 2, "model-b:9464": 2 });
    await counts("localmodel_model_endpoints", "localmodel_model", { [MODEL]: 2 });
  });

  for (const { title, queries } of SERVING.rows.flatMap(({ panels }) => panels)) {
    test(`fill the panel "${title}" of the chart's dashboard`, async () => {
      for (const { expr } of queries) {
        await eventually(`something to show for ${expr}`, async () => {
          // A rate shows growth between two looks; of what came before the first look there is none.
          await wholeAnswer(stack.client(), CHAT);
          const values = (await stack.prometheus.query(asGrafana(expr))).map(({ value }) => value);
          assert.ok(values.length > 0 && values.every((value) => value >= 0), String(values));
        });
      }
    });
  }

  test("are asked by the operator's dashboard in words that Prometheus understands", async () => {
    for (const { queries } of OPERATOR.rows.flatMap(({ panels }) => panels))
      for (const { expr } of queries) await stack.prometheus.query(asGrafana(expr));
  });
});

/** With all models chosen, over a time that a test has. */
function asGrafana(expression: string): string {
  return expression.replaceAll("$__rate_interval", "2m").replaceAll("$model", ".*");
}
