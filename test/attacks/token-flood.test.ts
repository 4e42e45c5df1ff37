import assert from "node:assert/strict";
import { test } from "node:test";
import { attackedApi } from "../support/attacked-api.ts";

const MAX_TOKENS = 1000;

test("requests that come at once use what a key has left of its tokens, and one request more at most", async (t) => {
  const { ask, requests } = await attackedApi(t, {
    keys: { flood: { tokensPerMinute: 5000 }, alice: {} },
    slots: 500,
    answer: (_req, res) => {
      res.writeHead(200, {
        "content-type": "application/json",
        "x-localmodel-usage": `prompt=1 completion=${MAX_TOKENS}`,
      });
      res.end("{}");
    },
  });
  const body = { model: "m", messages: [], max_tokens: MAX_TOKENS };
  const flood = await Promise.all(Array.from({ length: 180 }, () => ask("flood", body)));
  const served = flood.filter(({ status }) => status === 200).length;
  assert.ok(served >= 4 && served <= 6, `${served} were served`);
  assert.equal(requests(), served);
  const refused = await ask("flood", body);
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get("retry-after")) <= 60);
  assert.equal((await ask("alice", body)).status, 200);
});
