import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client } from "../wire/client.ts";
import { Election } from "./election.ts";
import type { Lease } from "./lease.ts";
import { silentLog } from "../log.ts";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { type Exchange, FaultServer } from "../fixtures/fault-server.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";
import { Transport } from "../wire/transport.ts";

const PATIENCE = { interval: 2, timeout: 5000 };
const LEASE_PATH = "/apis/coordination.k8s.io/v1/namespaces/home/leases";

/** One lease, with versions that must match, as the API server keeps it. */
class LeaseServer {
  lease: Lease | undefined;
  /** Every lease that was written. */
  readonly written: Lease[] = [];
  /** Answers differently while set: true when it has dealt with the request. */
  fault: ((exchange: Exchange) => boolean) | undefined;
  #version = 0;

  readonly script = (exchange: Exchange): void => {
    if (this.fault?.(exchange) === true) return;
    const { method, path, body } = exchange.received;
    assert.ok(path.startsWith(LEASE_PATH));
    if (method === "GET") {
      if (this.lease === undefined) exchange.status(404, "NotFound");
      else exchange.json(this.lease);
      return;
    }
    const lease = body as Lease;
    const expected = this.lease?.metadata.resourceVersion;
    if (
      method === "POST" ? this.lease !== undefined : lease.metadata.resourceVersion !== expected
    ) {
      exchange.status(409, method === "POST" ? "AlreadyExists" : "Conflict");
      return;
    }
    this.write(lease);
    exchange.json(this.lease);
  };

  write(lease: Lease): void {
    this.#version += 1;
    const metadata = { ...lease.metadata, resourceVersion: String(this.#version) };
    this.lease = { ...lease, metadata };
    this.written.push(this.lease);
  }

  get holder(): string | undefined {
    return this.lease?.spec?.holderIdentity;
  }
}

async function setUp(t: TestContext) {
  const leases = new LeaseServer();
  const server = await FaultServer.start(leases.script);
  t.after(() => server[Symbol.asyncDispose]());
  return {
    leases,
    server,
    /** A candidate with a clock of its own: nobody's clock is anybody else's. */
    candidate: (identity: string) => {
      const clock = new ManualClock();
      const metrics = new MetricRegistry();
      const transport = new Transport(server.access(), { clock, random: () => 0 });
      const client = new Client(transport, { fieldManager: "test" });
      const options = { namespace: "home", name: "lock", identity, log: silentLog, metrics };
      const election = new Election(client, options);
      const stop = new AbortController();
      const ended = election.run(stop.signal);
      ended.catch(() => {});
      t.after(async () => {
        stop.abort();
        await ended.catch(() => {});
        await transport[Symbol.asyncDispose]();
      });
      const { leadership } = election;
      return {
        clock,
        metrics,
        client,
        election,
        leadership,
        stop,
        ended,
        /** Lets time pass in steps, every request answered before the next step. */
        async live(forMs: number): Promise<void> {
          const untilMs = clock.nowMs() + forMs;
          while (clock.nowMs() < untilMs) {
            await t.waitFor(() => assert.ok(isWaiting(clock)), PATIENCE);
            await clock.advance(Math.min(100, untilMs - clock.nowMs()));
          }
          await t.waitFor(() => assert.ok(isWaiting(clock)), PATIENCE);
        },
        leads: () => t.waitFor(() => assert.ok(leadership.isHeld), PATIENCE),
      };
    },
  };
}

/** Not in the middle of a request, whose deadline of 5 s would be pending. */
function isWaiting(clock: ManualClock): boolean {
  return clock.pendingMs.some((ms) => ms <= 2000);
}

test("the first candidate creates the lease and keeps renewing it", async (t) => {
  const { leases, candidate } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  await one.live(60_000);
  assert.ok(one.leadership.isHeld);
  assert.ok(leases.written.length >= 25);
  const spec = leases.lease?.spec;
  assert.equal(spec?.holderIdentity, "one");
  assert.equal(spec.leaseDurationSeconds, 15);
  assert.equal(spec.leaseTransitions, 0);
  assert.equal(spec.acquireTime, "2026-01-01T00:00:00.000000Z");
  assert.match(spec.renewTime ?? "", /^2026-01-01T00:0\d:\d\d\.\d{6}Z$/);
  assert.match(exposition(one.metrics).text, /leader_election_master_status\{name="lock"\} 1/);
});

test("a second candidate waits as long as the first renews, whatever its own clock says", async (t) => {
  const { leases, candidate } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  const two = candidate("two");
  // Its day is a year ahead; only changes it sees itself count.
  two.clock.freeze(365 * 86_400_000);
  for (let i = 0; i < 10; i += 1) {
    await one.live(4000);
    await two.live(14_000);
  }
  assert.equal(leases.holder, "one");
  assert.equal(two.leadership.isHeld, false);
  assert.throws(() => two.leadership.check(), /does not lead yet/);
});

test("a lease that is not renewed is taken, but not before it has run out", async (t) => {
  const { leases, candidate } = await setUp(t);
  leases.write({
    metadata: { name: "lock", namespace: "home", labels: { keep: "me" } },
    spec: { holderIdentity: "gone", leaseDurationSeconds: 15, leaseTransitions: 3 },
  });
  const one = candidate("one");
  await one.live(14_000);
  assert.equal(leases.holder, "gone");
  await one.live(3000);
  await one.leads();
  assert.equal(leases.lease?.spec?.leaseTransitions, 4);
  assert.deepEqual(leases.lease.metadata.labels, { keep: "me" });
});

test("a leader that is cut off stops writing before the lease can be taken", async (t) => {
  const { leases, candidate } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  const two = candidate("two");
  await two.live(100);
  const renewals = leases.written.length;
  // One is cut off, two is not.
  leases.fault = ({ received }) => {
    const isFirst =
      received.method === "PUT" && (received.body as Lease).spec?.holderIdentity === "one";
    return isFirst || (received.method === "GET" && cutOff);
  };
  let cutOff = true;
  await one.clock.advance(9900);
  assert.ok(one.leadership.isHeld);
  await one.clock.advance(200);
  assert.equal(one.leadership.isHeld, false);
  assert.ok(one.leadership.signal.aborted);
  await assert.rejects(one.ended, /not renewed in time/);
  assert.equal(leases.written.length, renewals);
  cutOff = false;
  // As much time has passed for two; it needs the whole lease.
  await two.live(10_000);
  assert.equal(leases.holder, "one");
  await two.live(8000);
  await two.leads();
});

test("a process that was stopped and continued does not write, even before its timers run", async (t) => {
  const { candidate, server } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  one.leadership.check();
  const guarded = one.client.with({ guard: one.leadership });
  one.clock.freeze(20_000);
  const requests = server.exchanges.length;
  await assert.rejects(
    guarded.delete(LEASES_OTHER, { namespace: "home", name: "x" }),
    /not renewed/,
  );
  assert.equal(server.exchanges.length, requests);
  assert.throws(() => one.leadership.check(), /not renewed in time/);
  await assert.rejects(one.ended, /not renewed in time/);
});

const LEASES_OTHER = {
  group: "example.dev",
  version: "v1",
  plural: "things",
  kind: "Thing",
  namespaced: true,
};

test("leadership counts from when a renewal was asked for, not from its late answer", async (t) => {
  const { candidate, leases } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  let late: Exchange | undefined;
  leases.fault = (exchange) => {
    late = exchange;
    return true;
  };
  await one.clock.advance(2000);
  await t.waitFor(() => assert.ok(late), PATIENCE);
  await one.clock.advance(4000);
  leases.fault = undefined;
  if (late !== undefined) leases.script(late);
  await t.waitFor(() => assert.equal(one.leadership.leftMs, 6000), PATIENCE);
});

test("losing the lease ends a write that is under way", async (t) => {
  const { candidate, leases } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  let open: Exchange | undefined;
  leases.fault = (exchange) => {
    if (exchange.received.method === "DELETE") open = exchange;
    return true;
  };
  const guarded = one.client.with({ guard: one.leadership });
  const failed = assert.rejects(
    guarded.delete(LEASES_OTHER, { namespace: "home", name: "x" }),
    /not renewed in time/,
  );
  await t.waitFor(() => assert.ok(open), PATIENCE);
  await one.clock.advance(10_000);
  await failed;
  await t.waitFor(() => assert.ok(open?.closed), PATIENCE);
});

test("a few failed renewals do not end leadership", async (t) => {
  const { candidate, leases } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  leases.fault = (exchange) => {
    exchange.status(503, "ServiceUnavailable");
    return true;
  };
  await one.live(8000);
  assert.ok(one.leadership.isHeld);
  leases.fault = undefined;
  await one.live(30_000);
  assert.ok(one.leadership.isHeld);
  assert.match(exposition(one.metrics).text, /leader_election_slowpath_total\{name="lock"\} [1-9]/);
});

test("a renewal whose answer was lost is found on the server and goes on", async (t) => {
  const { candidate, leases } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  let lost = 0;
  leases.fault = (exchange) => {
    if (exchange.received.method !== "PUT" || lost > 0) return false;
    lost += 1;
    leases.write(exchange.received.body as Lease);
    exchange.cut();
    return true;
  };
  await one.live(10_000);
  assert.equal(lost, 1);
  assert.ok(one.leadership.isHeld);
  assert.equal(leases.lease?.spec?.leaseTransitions, 0);
});

test("a lease that is given back is taken at once", async (t) => {
  const { candidate, leases } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  const two = candidate("two");
  await two.live(1000);
  one.stop.abort();
  await one.ended;
  assert.equal(leases.holder, "");
  assert.equal(leases.lease?.spec?.leaseDurationSeconds, 1);
  assert.equal(one.leadership.isHeld, false);
  await two.live(3000);
  await two.leads();
  assert.equal(leases.lease.spec?.leaseTransitions, 1);
});

test("somebody who took the lease by force ends leadership at the deadline", async (t) => {
  const { candidate, leases } = await setUp(t);
  const one = candidate("one");
  await one.election.elected;
  const spec = { holderIdentity: "thief", leaseDurationSeconds: 3600 };
  leases.write({ metadata: leases.lease?.metadata ?? { name: "lock" }, spec });
  await one.live(9000);
  await one.clock.advance(2000);
  await assert.rejects(one.ended, /not renewed in time/);
  assert.equal(leases.holder, "thief");
});

test("of two candidates that see the lease run out together, one gets it", async (t) => {
  const { candidate, leases } = await setUp(t);
  const both = [candidate("one"), candidate("two")];
  await Promise.race(both.map(({ election }) => election.elected));
  await Promise.all(both.map((each) => each.live(5000)));
  assert.equal(both.filter(({ leadership }) => leadership.isHeld).length, 1);
  assert.equal(leases.lease?.spec?.leaseTransitions, 0);
});

test("a lease shorter than its renew deadline is refused", async (t) => {
  const { server } = await setUp(t);
  const transport = new Transport(server.access());
  const client = new Client(transport, { fieldManager: "test" });
  const options = { namespace: "a", name: "b", identity: "c", log: silentLog };
  const metrics = new MetricRegistry();
  const wrong = { ...options, metrics, leaseMs: 5000 };
  assert.throws(() => new Election(client, wrong), /5000 ms needs a shorter renew deadline/);
});
