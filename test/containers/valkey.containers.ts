/**
 * Answers of /v1/responses, and what keys use, in a real server that speaks Valkey's protocol, shared by API services; and
 * that server hanging, gone, back, empty.
 */
import assert from "node:assert/strict";
import { type AddressInfo, connect as connectTo } from "node:net";
import { after, before, suite, test, type TestContext } from "node:test";
import { createServer } from "node:tls";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { APIError } from "openai";
import type OpenAI from "openai";
import {
  asksOfAnswerStores,
  keptAnswer,
  STORE_LIMITS,
  type StoreLimits,
} from "../../services/api/fixtures/answer-store-contract.ts";
import { key as apiKey } from "../../services/api/fixtures/keys.ts";
import { asksOfSharedLedgers } from "../../services/api/fixtures/shared-ledger-contract.ts";
import { ownLedger } from "../../services/api/keys/own-ledger.ts";
import { SharedLedger } from "../../services/api/keys/shared-ledger.ts";
import { ValkeyAnswers } from "../../services/api/kept/valkey-answers.ts";
import { Valkey } from "../../services/api/valkey/valkey.ts";
import { ValkeyMetrics } from "../../services/api/valkey/valkey-metrics.ts";
import { type Certificate, makeCertificate } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { run } from "../build/command.ts";
import { MODEL, Stack } from "./harness/stack.ts";

const ASKED = { model: MODEL, temperature: 0, max_output_tokens: 8 };

const begin = async (client: OpenAI.Responses, input = "Name a colour.") =>
  (await client.create({ ...ASKED, input })).id;

const goesOn = (client: OpenAI.Responses, previous: string) =>
  client.create({ ...ASKED, input: "And another?", previous_response_id: previous });

const failsWith = (asked: Promise<unknown>, status: number, code: string) =>
  assert.rejects(asked, (thrown: unknown) => {
    assert.ok(thrown instanceof APIError, String(thrown));
    assert.deepEqual([thrown.status, thrown.code], [status, code]);
    return true;
  });

/** In front of a server that speaks none itself. Returns its port. */
async function tlsBefore(
  t: TestContext,
  { certificate, key }: Certificate,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  const server = createServer({ cert: certificate, key }, (client) => {
    const plain = connectTo(port, host);
    client.pipe(plain).pipe(client);
    client.on("error", () => plain.destroy());
    plain.on("error", () => client.destroy());
    t.after(() => client.destroy());
  });
  t.after(() => server.close());
  // A client that does not believe it breaks the handshake off.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

suite("with Valkey", () => {
  let stack: Stack;
  let first: OpenAI.Responses;
  let second: OpenAI.Responses;
  const lines: string[] = [];
  const log = {
    info: (message: string) => void lines.push(message),
    warn: (message: string, fields: object = {}) =>
      void lines.push(`${message} ${JSON.stringify(fields)}`),
  };

  const connect = async (fields: { password?: string; metrics?: ValkeyMetrics } = {}) => {
    const { metrics, ...login } = fields;
    const settings = { ...stack.valkey, ...login, database: 1, prefix: "test" };
    return new Valkey({ settings, log, metrics });
  };

  const connected = async (metrics?: ValkeyMetrics): Promise<Valkey> => {
    const valkey = await connect(metrics === undefined ? {} : { metrics });
    await eventually("a connection", () => assert.ok(valkey.isConnected), { intervalMs: 20 });
    return valkey;
  };

  /** Each store with names of its own, so that it begins empty. */
  const storesIn = (valkey: Valkey) => {
    let count = 0;
    return (limits: StoreLimits) => {
      count += 1;
      const own = {
        prefix: `test-${count}`,
        run: valkey.run.bind(valkey),
        get isConnected() {
          return valkey.isConnected;
        },
      };
      return new ValkeyAnswers({ valkey: own, limits, log });
    };
  };

  const command = (...words: readonly string[]): Promise<string> => {
    const login = ["redis-cli", "--no-auth-warning", "-a", stack.valkey.password];
    return run("docker", ["exec", stack.container("valkey").getId(), ...login, ...words]);
  };

  before(async () => {
    stack = await Stack.start("valkey", ["model-a"], { valkey: true });
    first = stack.client().responses;
    second = stack.client({}, "api-b").responses;
    for (const name of ["api", "api-b"] as const) await stack.said(name, "connected to Valkey");
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test("it is a place where answers are kept:", async (t) => {
    await using valkey = await connected();
    await asksOfAnswerStores(t, storesIn(valkey));
  });

  test("it is where replicas count together what keys use:", async (t) => {
    await using valkey = await connected();
    await command("-n", "1", "FLUSHDB");
    await asksOfSharedLedgers(t, () => {
      const ledger = new SharedLedger({ valkey, own: ownLedger(), log });
      t.after(() => ledger[Symbol.dispose]());
      return ledger;
    });
    assert.doesNotMatch(await command("-n", "1", "KEYS", "*"), /requests|tokens/);
  });

  test("while it hangs, each replica counts what keys use for itself, and nobody waits long", async () => {
    await using valkey = await connected();
    const own = ownLedger({ gateways: () => 2 });
    using ledger = new SharedLedger({ valkey, own, log });
    const its = apiKey("alice", { requestsPerMinute: 10 });
    const limit = async () => (await ledger.open(its)).left[0]?.limit;
    assert.equal(await limit(), 10);
    await stack.freeze("valkey");
    try {
      assert.equal(await limit(), 5);
    } finally {
      await stack.thaw("valkey");
    }
    await eventually("it to be asked again", async () => assert.equal(await limit(), 10));
  });

  test("answers are forgotten there by themselves, and nobody's name is in the names of keys", async () => {
    await using valkey = await connected();
    const store = storesIn(valkey)({ ...STORE_LIMITS, lifetimeSeconds: 1 });
    await command("-n", "1", "FLUSHDB");
    await store.keep("alice@example.com", keptAnswer("1"));
    assert.equal((await store.find("alice@example.com", "1"))?.id, "1");
    const keys = await command("-n", "1", "KEYS", "*");
    assert.match(keys, /test-1:\{[0-9a-f]{32}\}:answer:1/);
    assert.doesNotMatch(keys, /alice/);
    await eventually("nothing to be left", async () =>
      assert.equal((await command("-n", "1", "DBSIZE")).trim(), "0"),
    );
    assert.equal(await store.find("alice@example.com", "1"), undefined);
  });

  test("a wrong password is told in the log, without it", async () => {
    await using valkey = await connect({ password: "wrong-one" });
    await eventually("the log", () => assert.match(lines.join("\n"), /WRONGPASS/));
    assert.equal(valkey.isConnected, false);
    assert.doesNotMatch(lines.join("\n"), /wrong-one/);
  });

  test("by TLS it is used where its certificate is believed, and told in the log where not", async (t) => {
    const authority = makeCertificate({ name: "authority" });
    const own = makeCertificate({ name: "valkey", issuer: authority });
    const port = await tlsBefore(t, own, stack.valkey);
    const place = { ...stack.valkey, host: "127.0.0.1", port, database: 1, prefix: "tls" };
    const by = (tls: { readonly ca?: string }) => new Valkey({ settings: { ...place, tls }, log });
    {
      await using valkey = by({ ca: authority.certificate });
      await eventually("a connection", () => assert.ok(valkey.isConnected), { intervalMs: 20 });
      const store = storesIn(valkey)(STORE_LIMITS);
      await store.keep("alice", keptAnswer("1"));
      assert.equal((await store.find("alice", "1"))?.id, "1");
    }
    await using stranger = by({});
    await eventually("the log", () =>
      assert.match(lines.join("\n"), /cannot be used .*(certificate|self-signed)/),
    );
    assert.equal(stranger.isConnected, false);
  });

  test("metrics tell whether it is there, and how asking goes", async () => {
    const registry = new MetricRegistry();
    await using valkey = await connected(new ValkeyMetrics(registry));
    await storesIn(valkey)(STORE_LIMITS).find("a", "1");
    const names = new Map([...registry].map((metric) => [metric.name, metric]));
    const points = [...(names.get("localmodel.valkey.connected")?.points() ?? [])];
    assert.equal(points[0]?.value, 1);
    const [asked] = names.get("localmodel.valkey.duration")?.points() ?? [];
    assert.deepEqual(asked?.labels, { operation: "find", outcome: "ok" });
  });

  test("a conversation goes on at either replica, however its answers came", async () => {
    const one = await begin(first);
    const stream = await second.create({
      ...ASKED,
      input: "And another?",
      previous_response_id: one,
      stream: true,
    });
    const events = await Array.fromAsync(stream);
    const last = events.at(-1);
    assert.ok(last !== undefined && "response" in last);
    const two = last.response.id;
    const three = await goesOn(first, two);
    assert.equal((await second.inputItems.list(three.id)).data.length, 5);
    assert.equal((await second.retrieve(three.id)).output_text, three.output_text);
    await first.delete(two);
    await failsWith(goesOn(second, three.id), 404, "previous_response_not_found");
  });

  test("many at once meet their answers at the other replica at once", async () => {
    const conversations = Array.from({ length: 12 }, async (_, index) => {
      const [here, there] = index % 2 === 0 ? [first, second] : [second, first];
      const id = await begin(here, `Say ${index}.`);
      assert.equal((await there.retrieve(id)).id, id);
      await goesOn(there, id);
    });
    await Promise.all(conversations);
  });

  test("what it has thrown out is not there, and the request says so", async () => {
    const id = await begin(first);
    await command("FLUSHALL");
    await failsWith(goesOn(second, id), 404, "previous_response_not_found");
    // Its scripts are gone as well.
    await command("SCRIPT", "FLUSH");
    await goesOn(second, await begin(first));
  });

  test("while it is full, answers are given, and those that go on with one are told why not", async () => {
    const id = await begin(first);
    await command("CONFIG", "SET", "maxmemory", "1");
    const unkept = await begin(first);
    await command("CONFIG", "SET", "maxmemory", "0");
    await failsWith(goesOn(second, unkept), 404, "previous_response_not_found");
    await goesOn(second, id);
    await stack.said("api", "an answer was not kept");
  });

  test("while it hangs, who needs it is told within seconds, and nobody else notices", async () => {
    const id = await begin(first);
    await stack.freeze("valkey");
    try {
      await failsWith(goesOn(first, id), 503, "response_store_unavailable");
      await failsWith(first.retrieve(id), 503, "response_store_unavailable");
      const must = { ...ASKED, input: "Name a colour.", store: true };
      await failsWith(first.create(must), 503, "response_store_unavailable");
      assert.equal((await first.create({ ...must, store: false })).status, "incomplete");
      // It does not know yet; its answer comes, and is not kept.
      await begin(second);
      await failsWith(second.create(must), 503, "response_store_unavailable");
    } finally {
      await stack.thaw("valkey");
    }
    for (const client of [first, second]) {
      await eventually("it to be used again", async () => void (await goesOn(client, id)));
    }
  });

  // The last one: what begins anew has another port for this machine.
  test("one that died and is back is used again", async () => {
    const id = await begin(first);
    await stack.kill("valkey");
    await failsWith(goesOn(second, id), 503, "response_store_unavailable");
    await begin(first);
    await stack.revive("valkey");
    for (const client of [first, second]) {
      await eventually("it to be used again", () =>
        failsWith(goesOn(client, id), 404, "previous_response_not_found"),
      );
    }
    await goesOn(second, await begin(first));
  });
});
