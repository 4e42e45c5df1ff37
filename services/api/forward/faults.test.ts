/** Model servers that break in every way: the client always gets exactly one well-formed outcome. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { chat, errorOf, model, gateway } from "../fixtures/gateway.ts";
import {
  answer,
  chunk,
  END,
  event,
  json,
  reset,
  type Script,
  scriptedUpstream,
  upstream,
  SSE_HEAD,
} from "../fixtures/scripted-upstream.ts";

/** A bound for a wait in vain. */
const PATIENCE = { timeout: 30_000 };

/** A port on which nobody listens. */
async function refusing(): Promise<string> {
  const gone = await scriptedUpstream(reset);
  await gone.close();
  return gone.url;
}

const OK = json({ ok: true });
const BUSY = json(
  { error: { message: "draining", type: "server_error", param: null, code: "shutting_down" } },
  "503 Service Unavailable",
  "retry-after: 1\r\n",
);

describe("before the first byte", () => {
  test("a refused connection is tried on another endpoint", async (t) => {
    const good = await upstream(t, answer(OK));
    const { url } = await gateway(t, [model("a", { endpoints: [await refusing(), good.url] })]);
    for (let i = 0; i < 3; i++) assert.equal((await chat(url, {})).status, 200);
  });

  test("a connection reset before the head is tried on another endpoint", async (t) => {
    const bad = await upstream(t, reset);
    const good = await upstream(t, answer(OK));
    const { url } = await gateway(t, [model("a", { endpoints: [bad.url, good.url] })]);
    assert.equal((await chat(url, {})).status, 200);
    assert.equal(bad.requests.length, 1);
  });

  test("a head that ends in the middle is tried on another endpoint", async (t) => {
    const bad = await upstream(t, (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-"));
    const good = await upstream(t, answer(OK));
    const { url } = await gateway(t, [model("a", { endpoints: [bad.url, good.url] })]);
    assert.equal((await chat(url, {})).status, 200);
  });

  test("a lone endpoint that comes back is tried again", async (t) => {
    const flaky = await upstream(t, reset, answer(OK));
    const { url } = await gateway(t, [model("a", { endpoints: [flaky.url] })]);
    assert.equal((await chat(url, {})).status, 200);
    assert.equal(flaky.requests.length, 2);
  });

  test("a kept-alive connection that the server closed meanwhile costs the client nothing", async (t) => {
    const closing = await upstream(t, (socket) => {
      socket.write(OK);
      setImmediate(() => socket.end());
    });
    const { url } = await gateway(t, [model("a", { endpoints: [closing.url] })]);
    for (let i = 0; i < 20; i++) assert.equal((await chat(url, {})).status, 200);
  });

  test("a 503 is tried on another endpoint, and passed on when there is none", async (t) => {
    const busy = await upstream(t, answer(BUSY));
    const good = await upstream(t, answer(OK));
    const { url, setModels } = await gateway(t, [model("a", { endpoints: [busy.url, good.url] })]);
    assert.equal((await chat(url, {})).status, 200);
    setModels([model("a", { endpoints: [busy.url] })]);
    const response = await chat(url, {});
    assert.equal(response.headers.get("retry-after"), "1");
    assert.equal((await errorOf(response)).code, "shutting_down");
  });

  test("after three attempts the client gets a 503 that it may retry", async (t) => {
    const bad = await upstream(t, reset);
    const { url, lines } = await gateway(t, [model("a", { endpoints: [bad.url] })]);
    const response = await chat(url, {});
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("x-should-retry"), "true");
    assert.ok(response.headers.get("retry-after"));
    assert.equal((await errorOf(response)).code, "engine_error");
    assert.equal(bad.requests.length, 3);
    await t.waitFor(() => assert.ok(lines.some((line) => line["attempts"] === 3)), PATIENCE);
  });

  test("a model that went away between two attempts is told as what it is", async (t) => {
    const crashed: Script = (socket) => {
      setModels([model("a", { state: "restarting", message: "its server crashed" })]);
      socket.resetAndDestroy();
    };
    const bad = await upstream(t, crashed);
    const { url, setModels } = await gateway(t, [model("a", { endpoints: [bad.url] })]);
    const response = await chat(url, {});
    assert.equal(response.status, 503);
    assert.match((await errorOf(response)).message, /restarting: its server crashed/);
  });

  test("what is not HTTP is a 502, tried once", async (t) => {
    const garbage = await upstream(t, answer("\0\0garbage\r\n\r\n"));
    const { url } = await gateway(t, [model("a", { endpoints: [garbage.url] })]);
    const response = await chat(url, {});
    assert.equal(response.status, 502);
    assert.equal((await errorOf(response)).code, "bad_gateway");
    assert.equal(garbage.requests.length, 1);
  });

  for (const head of [
    "201 Created",
    "204 No Content",
    "206 Partial Content",
    "302 Found",
    "304 Not Modified",
    "401 Unauthorized",
    "403 Forbidden",
    "407 Proxy Authentication Required",
    "418 I'm a teapot",
    "451 Unavailable For Legal Reasons",
    "505 HTTP Version Not Supported",
    "599 Whatever",
    "999 Nothing",
  ]) {
    test(`a server that answers ${head} is a 502, tried once, and nothing of it passes`, async (t) => {
      const headers = "location: http://evil.example/\r\nwww-authenticate: Basic\r\n";
      const body = { error: { message: "secret", type: "x", param: null, code: null } };
      const odd = await upstream(t, answer(json(body, head, headers)));
      const { url } = await gateway(t, [model("a", { endpoints: [odd.url] })]);
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
        redirect: "manual",
      });
      assert.equal(response.status, 502);
      assert.equal(response.headers.get("location"), null);
      assert.equal(response.headers.get("www-authenticate"), null);
      const { code, message } = await errorOf(response);
      assert.equal(code, "bad_gateway");
      assert.doesNotMatch(message, /secret/);
      assert.equal(odd.requests.length, 1);
    });
  }

  for (const head of [
    "100 Continue\r\n\r\n",
    "101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
  ]) {
    test(`a server that answers what nobody asked for is a 502, tried once: ${head.trimEnd()}`, async (t) => {
      const odd = await upstream(t, answer(`HTTP/1.1 ${head}`));
      const { url } = await gateway(t, [model("a", { endpoints: [odd.url] })]);
      const response = await chat(url, {});
      assert.equal(response.status, 502);
      assert.equal((await errorOf(response)).code, "bad_gateway");
      assert.equal(odd.requests.length, 1);
    });
  }

  test("what a server says before its answer is not the answer", async (t) => {
    const early = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(3);
    const hinting = await upstream(t, answer(early + OK));
    const { url } = await gateway(t, [model("a", { endpoints: [hinting.url] })]);
    const response = await chat(url, {});
    assert.deepEqual([response.status, await response.json()], [200, { ok: true }]);
  });

  test("a server that never answers is a 504, tried once", async (t) => {
    const silent = await upstream(t, () => {});
    const { url } = await gateway(t, [model("a", { endpoints: [silent.url] })], {
      headersTimeoutMs: 50,
    });
    const response = await chat(url, {});
    assert.equal(response.status, 504);
    assert.equal((await errorOf(response)).code, "timeout");
    assert.equal(silent.requests.length, 1);
  });
});

describe("after the first byte", () => {
  const whole = [event("one"), event("two"), "data: [DONE]\n\n"];
  const wire = Buffer.from(SSE_HEAD + whole.map(chunk).join("") + END);
  const cuts = Array.from(
    { length: wire.length - SSE_HEAD.length },
    (_, index) => SSE_HEAD.length + index,
  );

  test("a stream that is cut at any byte ends in whole events and an error, or is complete", async (t) => {
    let cut = 0;
    const cutting = await upstream(t, (socket) => void socket.end(wire.subarray(0, cut)));
    const { url } = await gateway(t, [model("a", { endpoints: [cutting.url] })]);
    let complete = 0;
    for (cut of cuts) {
      const text = await (await chat(url, {})).text();
      const events = text.split("\n\n");
      assert.equal(events.pop(), "", `cut at ${cut}: "${text}" ends inside an event`);
      const last = events.at(-1);
      if (last === "data: [DONE]") {
        assert.equal(text, whole.join(""));
        complete += 1;
      } else {
        const { error } = JSON.parse(last?.slice("data: ".length) ?? "") as {
          error: { code: string };
        };
        assert.equal(error.code, "engine_error");
        assert.ok(whole.join("").startsWith(text.slice(0, text.lastIndexOf("data: "))));
      }
    }
    assert.ok(complete > 0 && complete < 10, `${complete}`);
    assert.equal(cutting.requests.length, cuts.length);
  });

  test("a stream that is reset ends in an error event", async (t) => {
    const resetting = await upstream(t, (socket) => {
      socket.write(SSE_HEAD + chunk(event("one")), () =>
        setTimeout(() => socket.resetAndDestroy(), 50),
      );
    });
    const { url, lines } = await gateway(t, [model("a", { endpoints: [resetting.url] })]);
    const text = await (await chat(url, {})).text();
    assert.ok(text.startsWith(event("one")));
    assert.match(
      text,
      /data: \{"error":\{"message":"The server of this model ended.*\},"request_id":"[^"]+"\}\n\n$/,
    );
    await t.waitFor(() => assert.ok(lines.some((line) => line["outcome"] === "broken")), PATIENCE);
  });

  test("an answer that is not a stream is cut, never ended as if it were whole", async (t) => {
    const cutting = await upstream(t, (socket) => void socket.end(OK.slice(0, -3)));
    const { url } = await gateway(t, [model("a", { endpoints: [cutting.url] })]);
    await assert.rejects(chat(url, {}).then((response) => response.text()));
  });

  test("an event that is larger than anything we hold still arrives", async (t) => {
    const large = event("x".repeat(3_000_000));
    const serving = await upstream(t, (socket) => void socket.write(SSE_HEAD + chunk(large) + END));
    const { url } = await gateway(t, [model("a", { endpoints: [serving.url] })]);
    assert.equal(await (await chat(url, {})).text(), large);
  });

  test("bytes reach the client as they come", async (t) => {
    const { promise: seen, resolve: sawFirst } = Promise.withResolvers<void>();
    const slow = await upstream(t, async (socket) => {
      socket.write(SSE_HEAD + chunk(event("one")));
      await seen;
      socket.write(chunk("data: [DONE]\n\n") + END);
    });
    const { url } = await gateway(t, [model("a", { endpoints: [slow.url] })]);
    const response = await chat(url, {});
    let text = "";
    for await (const part of response.body ?? []) {
      text += Buffer.from(part).toString();
      sawFirst();
    }
    assert.equal(text, `${event("one")}data: [DONE]\n\n`);
  });
});

describe("clients", () => {
  test("one that hangs up while it waits for the head ends the work at the model server", async (t) => {
    const silent = await upstream(t, () => {});
    const { url, lines } = await gateway(t, [model("a", { endpoints: [silent.url] })]);
    const hangUp = new AbortController();
    const asked = chat(url, {}, { signal: hangUp.signal });
    await t.waitFor(() => assert.equal(silent.requests.length, 1), PATIENCE);
    hangUp.abort();
    await assert.rejects(asked);
    await t.waitFor(() => assert.equal(silent.hangUps(), 1), PATIENCE);
    await t.waitFor(() => assert.equal(lines.at(-1)?.["outcome"], "client gone"), PATIENCE);
    assert.equal(silent.requests.length, 1);
  });

  test("one that hangs up in the middle of a stream ends the work at the model server", async (t) => {
    const endless = await upstream(
      t,
      (socket) => void socket.write(SSE_HEAD + chunk(event("one"))),
    );
    const { url, lines, requests } = await gateway(t, [model("a", { endpoints: [endless.url] })]);
    const hangUp = new AbortController();
    const response = await chat(url, {}, { signal: hangUp.signal });
    await response.body?.getReader().read();
    hangUp.abort();
    await t.waitFor(() => assert.equal(endless.hangUps(), 1), PATIENCE);
    await t.waitFor(() => assert.equal(requests.count, 0), PATIENCE);
    assert.equal(lines.at(-1)?.["outcome"], "client gone");
  });

  test("one that does not read stops its model server, and loses nothing when it reads on", async (t) => {
    const line = event("x".repeat(64_000));
    const total = 600;
    let written = 0;
    let blocked = false;
    const fast = await upstream(t, async (socket) => {
      socket.write(SSE_HEAD);
      for (; written < total; written++) {
        if (socket.write(chunk(line))) continue;
        blocked = true;
        await new Promise((resolve) => socket.once("drain", resolve));
      }
      socket.write(END);
    });
    const { url, port } = await gateway(t, [model("a", { endpoints: [fast.url] })]);
    const slow = connect(port, "127.0.0.1");
    t.after(() => slow.destroy());
    slow.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: ${url}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`,
    );
    slow.pause();
    let before = -1;
    let looks = 0;
    await t.waitFor(
      () => {
        looks = blocked && written === before ? looks + 1 : 0;
        before = written;
        assert.ok(looks >= 10 || written === total);
      },
      { timeout: 20_000, interval: 20 },
    );
    assert.ok(written < total, "the whole stream was taken from the model server");
    let bytes = 0;
    for await (const part of slow) bytes += (part as Buffer).length;
    assert.ok(bytes > total * line.length, `${bytes}`);
  });

  test("a drain lets streams finish, and ends the others with an error event at the deadline", async (t) => {
    const finish: (() => void)[] = [];
    const streaming = await upstream(t, (socket) => {
      socket.write(SSE_HEAD + chunk(event("one")));
      finish.push(() => socket.write(chunk("data: [DONE]\n\n") + END));
    });
    const silent = await upstream(t, () => {});
    const { url, server, requests } = await gateway(t, [
      model("a", { endpoints: [streaming.url] }),
      model("b", { endpoints: [silent.url] }),
    ]);
    const finishing = await chat(url, { model: "a" });
    const endless = await chat(url, { model: "a" });
    const waiting = chat(url, { model: "b" });
    await t.waitFor(() => assert.equal(requests.count, 3), PATIENCE);
    void requests.drain();
    finish[0]?.();
    const { promise: deadline, resolve: reached } = Promise.withResolvers<void>();
    const drained = server.drain(300, () => {
      requests.cut();
      reached();
    });
    assert.match(await finishing.text(), /\[DONE\]\n\n$/);
    await deadline;
    const text = await endless.text();
    assert.match(text, /"code":"shutting_down"/);
    assert.doesNotMatch(text, /\[DONE\]/);
    assert.equal((await errorOf(await waiting)).code, "shutting_down");
    await drained;
  });
});
