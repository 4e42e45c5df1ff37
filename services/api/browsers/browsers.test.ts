import assert from "node:assert/strict";
import { type IncomingMessage, request, type RequestOptions } from "node:http";
import { text } from "node:stream/consumers";
import { describe, test, type TestContext } from "node:test";
import { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import { isOwnName } from "@localmodel/service/http/host-guard.ts";
import { model, startGateway } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";
import { answer, json, scriptedUpstream } from "../fixtures/scripted-upstream.ts";

type Options = NonNullable<Parameters<typeof startGateway>[1]>;

async function scene(t: TestContext, options: Options) {
  const upstream = await scriptedUpstream(answer(json({ ok: true })));
  t.after(() => upstream.close());
  const gateway = await startGateway([model("a", { endpoints: [upstream.url] })], options);
  t.after(() => gateway.close());
  return { ...gateway, upstream };
}

/** Unlike fetch, this sends the headers that only browsers may set. */
async function send(
  url: string,
  { body = "", ...options }: RequestOptions & { body?: string },
): Promise<IncomingMessage & { readonly body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, options, resolve).on("error", reject).end(body);
  });
  return Object.assign(response, { body: await text(response) });
}

const ORIGIN = "https://chat.example.com";
const ALLOWED = { cors: { origins: [ORIGIN] } };

function question(headers: Record<string, string> = {}): RequestOptions {
  return {
    method: "OPTIONS",
    headers: {
      origin: ORIGIN,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, content-type, x-stainless-lang",
      ...headers,
    },
  };
}

function corsHeaders({ headers }: IncomingMessage): string[] {
  return Object.keys(headers).filter((name) => name.startsWith("access-control-"));
}

describe("web pages of other sites", () => {
  test("nobody is let in unless the configuration says so", async (t) => {
    const { url } = await scene(t, {});
    const asked = await send(`${url}/v1/chat/completions`, question());
    assert.equal(asked.statusCode, 403);
    const listed = await send(`${url}/v1/models`, { headers: { origin: ORIGIN } });
    assert.deepEqual([corsHeaders(asked), corsHeaders(listed)], [[], []]);
  });

  test("a page may not send a body without asking first", async (t) => {
    const { url, upstream } = await scene(t, { browsers: ALLOWED });
    for (const type of [undefined, "text/plain", "application/x-www-form-urlencoded"]) {
      const headers = { origin: "https://evil.example", ...(type && { "content-type": type }) };
      const body = '{"model":"a"}';
      const response = await send(`${url}/v1/chat/completions`, { method: "POST", headers, body });
      assert.equal(response.statusCode, 415);
    }
    assert.equal(upstream.requests.length, 0);
  });

  test("what curl sends to Ollama's endpoints by itself is JSON, unless a page has sent it", async (t) => {
    const { url, upstream } = await scene(t, { browsers: ALLOWED });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const body = '{"model":"a","messages":[{"role":"user","content":"Hi"}]}';
    const ask = async (path: string, own: Readonly<Record<string, string>>) => {
      const headers = { ...form, ...own };
      return (await send(url + path, { method: "POST", headers, body })).statusCode;
    };
    assert.equal(await ask("/api/chat", { origin: ORIGIN }), 415);
    assert.equal(await ask("/api/chat", { "sec-fetch-site": "cross-site" }), 415);
    assert.equal(await ask("/v1/chat/completions", {}), 415);
    assert.equal(upstream.requests.length, 0);
    assert.equal(await ask("/api/chat", {}), 200);
    assert.match(upstream.requests[0]?.head ?? "", /^content-type: application\/json$/im);
  });

  test("an allowed page is answered before a key is asked for, with the headers it may send", async (t) => {
    const { url } = await scene(t, { browsers: ALLOWED, keys: ringOf(key("alice")) });
    const names =
      "authorization, x-stainless-lang, http-referer, x-title, x-evil, x-localmodel-tenant";
    const { statusCode, headers } = await send(
      `${url}/v1/chat/completions`,
      question({
        "access-control-request-headers": names,
        "access-control-request-private-network": "true",
      }),
    );
    assert.equal(statusCode, 204);
    assert.equal(headers["access-control-allow-origin"], ORIGIN);
    assert.equal(headers["access-control-allow-methods"], "GET, POST");
    assert.equal(
      headers["access-control-allow-headers"],
      "authorization, x-stainless-lang, http-referer, x-title",
    );
    assert.equal(headers["access-control-allow-private-network"], "true");
    assert.match(headers.vary ?? "", /Origin/);
  });

  test("an allowed page can read answers and errors, their ids and limits", async (t) => {
    const keys = ringOf(key("alice", { requestsPerMinute: 5 }));
    const { url } = await scene(t, { browsers: ALLOWED, keys });
    const post = (headers: Record<string, string>) =>
      send(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { origin: ORIGIN, "content-type": "application/json", ...headers },
        body: '{"model":"a"}',
      });
    const answered = await post(bearer("alice"));
    const refused = await post({});
    assert.deepEqual([answered.statusCode, refused.statusCode], [200, 401]);
    for (const { headers } of [answered, refused]) {
      assert.equal(headers["access-control-allow-origin"], ORIGIN);
      const exposed = headers["access-control-expose-headers"] ?? "";
      assert.match(exposed, /x-ratelimit-remaining-requests.*x-request-id/);
    }
  });

  test("other pages are not, and caches are told that it depends on the page", async (t) => {
    const { url } = await scene(t, { browsers: ALLOWED });
    for (const origin of ["https://evil.example", `${ORIGIN}.evil.example`, "null"]) {
      const response = await send(`${url}/v1/models`, { headers: { origin } });
      assert.deepEqual(corsHeaders(response), []);
      assert.equal(response.headers.vary, "Origin");
    }
  });

  test("* lets every page in, and health and admin are for no page", async (t) => {
    const { url } = await scene(t, { browsers: { cors: { origins: ["*"] } } });
    const headers = { origin: "https://any.example" };
    const listed = await send(`${url}/v1/models`, { headers });
    assert.equal(listed.headers["access-control-allow-origin"], "https://any.example");
    for (const path of ["/healthz", "/admin/log"]) {
      assert.deepEqual(corsHeaders(await send(url + path, { headers })), []);
    }
  });

  test("the configuration takes origins and nothing that looks like one", () => {
    const origins = [ORIGIN, "http://localhost:3000", "chrome-extension://abc", "*"];
    assert.deepEqual(ApiConfig.parse({ cors: { origins } }).cors.origins, origins);
    for (const wrong of ["chat.example.com", `${ORIGIN}/`, "https://*.example.com", "null"]) {
      assert.ok(!ApiConfig.safeParse({ cors: { origins: [wrong] } }).success, wrong);
    }
  });
});

describe("names that lead to this machine", () => {
  for (const [host, expected] of [
    ["localhost", true],
    ["localhost:1234", true],
    ["LocalHost", true],
    ["app.localhost:1234", true],
    ["127.0.0.1:1234", true],
    ["192.168.1.5", true],
    ["[::1]:1234", true],
    ["host.docker.internal:1234", true],
    ["evil.example", false],
    ["localhost.evil.example:1234", false],
    ["notlocalhost", false],
    ["127.0.0.1.evil.example", false],
    ["[::1].evil.example", false],
    ["evil.example:80:localhost", false],
    ["", false],
  ] as const) {
    test(`"${host}" is ${expected ? "let in" : "refused"}`, () => {
      assert.equal(isOwnName(host), expected);
    });
  }

  test("a page that has rebound its own name to this machine gets nothing", async (t) => {
    const { url, port, upstream } = await scene(t, { browsers: { checkHost: true } });
    const headers = { "content-type": "application/json" };
    const post = (host: string) =>
      send(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { ...headers, host },
        body: '{"model":"a"}',
      });
    const refused = await post(`rebound.evil.example:${port}`);
    assert.equal(refused.statusCode, 403);
    assert.match(refused.body, /"code":"host_not_allowed"/);
    assert.equal(upstream.requests.length, 0);
    assert.equal((await post(`localhost:${port}`)).statusCode, 200);
  });

  test("a server for others answers to every name", async (t) => {
    const { url } = await scene(t, {});
    const response = await send(`${url}/v1/models`, { headers: { host: "models.example.com" } });
    assert.equal(response.statusCode, 200);
  });
});
