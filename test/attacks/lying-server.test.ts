import assert from "node:assert/strict";
import { test } from "node:test";
import { attackedApi, bearer } from "../support/attacked-api.ts";

const body = { model: "m", messages: [] };

test("a model server that redirects, or asks to log in, reaches no client", async (t) => {
  const heads = [302, 307, 401, 407, 451];
  const { api } = await attackedApi(t, {
    keys: { alice: {} },
    answer: (_req, res) => {
      res.writeHead(heads.shift() ?? 418, {
        location: "http://evil.example/",
        "www-authenticate": "Basic",
        "proxy-authenticate": "Basic",
      });
      res.end("come here");
    },
  });
  while (heads.length > 0) {
    const response = await fetch(`${api.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...bearer("alice") },
      body: JSON.stringify(body),
      redirect: "manual",
    });
    assert.equal(response.status, 502);
    assert.doesNotMatch(JSON.stringify([...response.headers]), /evil|Basic/);
    assert.match(await response.text(), /"code":"bad_gateway"/);
  }
});

test("a model server that counts tokens that cannot be costs its clients nothing", async (t) => {
  const { ask } = await attackedApi(t, {
    keys: { alice: { tokensPerMinute: 100_000 } },
    answer: (_req, res) => {
      const usage = "prompt=99999999 completion=999999999999999";
      res.writeHead(200, { "content-type": "application/json", "x-localmodel-usage": usage });
      res.end("{}");
    },
  });
  for (let count = 0; count < 3; count++) {
    const response = await ask("alice", { ...body, max_tokens: 10 });
    assert.equal(response.status, 200);
    assert.ok(Number(response.headers.get("x-ratelimit-remaining-tokens")) > 99_900);
  }
});
