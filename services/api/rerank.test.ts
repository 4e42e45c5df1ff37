/** Reranking through the API service: an endpoint as any other, by its row. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { gateway, model } from "./fixtures/gateway.ts";
import { answer, json, upstream } from "./fixtures/scripted-upstream.ts";

const ranking = {
  object: "list",
  usage: { prompt_tokens: 9, total_tokens: 9 },
  results: [{ index: 0, relevance_score: 0.5 }],
};

for (const path of ["/v1/rerank", "/rerank", "/v2/rerank"]) {
  test(`${path} reaches the model that the body names, as it came`, async (t) => {
    const server = await upstream(t, answer(json(ranking)));
    const metrics = new MetricRegistry();
    const models = [model("a"), model("b", { endpoints: [server.url] })];
    const { url } = await gateway(t, models, { metrics });
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "b", query: "q", documents: ["d"] }),
    });
    assert.deepEqual([response.status, await response.json()], [200, ranking]);
    assert.match(server.requests[0]?.head ?? "", new RegExp(`^POST ${path} `, "u"));
    assert.match(exposition(metrics).text, /rerank/u);
  });
}
