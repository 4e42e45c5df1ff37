import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Allowance, type Limits } from "./allowance.ts";
import { duration, limitHeaders } from "./limit.ts";
import { leftOf } from "./own-ledger.ts";

const MINUTE_MS = 60_000;

function allowance(limits: Limits): Allowance {
  const made = new Allowance();
  made.adopt(limits, 0);
  return made;
}

describe("requests per minute", () => {
  test("a minute's worth may come at once, and comes back evenly", () => {
    const it = allowance({ requestsPerMinute: 3 });
    for (let i = 0; i < 3; i++) assert.equal(it.open(0), undefined);
    assert.deepEqual(it.open(0), { what: "requests", limit: 3, waitMs: 20_000 });
    assert.deepEqual(it.open(19_000), { what: "requests", limit: 3, waitMs: 1000 });
    assert.equal(it.open(20_000), undefined);
    assert.equal(it.open(20_000)?.what, "requests");
  });

  test("what is not used does not pile up", () => {
    const it = allowance({ requestsPerMinute: 2 });
    const later = 100 * MINUTE_MS;
    for (let i = 0; i < 2; i++) assert.equal(it.open(later), undefined);
    assert.equal(it.open(later)?.what, "requests");
  });

  test("a refused request costs nothing", () => {
    const it = allowance({ requestsPerMinute: 1 });
    it.open(0);
    for (let i = 0; i < 10; i++) assert.notEqual(it.open(0), undefined);
    assert.equal(it.open(MINUTE_MS), undefined);
  });
});

describe("tokens per minute", () => {
  test("an answer is charged when it ends, and a debt is paid before the next one", () => {
    const it = allowance({ tokensPerMinute: 600 });
    assert.equal(it.open(0), undefined);
    it.close({ used: 900, reserved: 0 }, 0);
    // 300 in debt, at 10 per second, and one to begin with.
    assert.deepEqual(it.open(0), { what: "tokens", limit: 600, waitMs: 30_100 });
    assert.equal(it.open(30_100), undefined);
  });

  test("a request refused for its tokens is not counted among the requests", () => {
    const it = allowance({ tokensPerMinute: 60, requestsPerMinute: 2 });
    it.open(0);
    it.close({ used: 60, reserved: 0 }, 0);
    assert.equal(it.open(0)?.what, "tokens");
    assert.equal(it.open(1000), undefined);
  });
});

describe("tokens that are set aside", () => {
  test("requests that come together get no more than there is, and the last one's estimate", () => {
    const it = allowance({ tokensPerMinute: 300 });
    const reserved = Array.from({ length: 180 }, () => it.reserve(100, 0));
    assert.deepEqual(reserved.slice(0, 3), [100, 100, 100]);
    for (const refused of reserved.slice(3)) {
      assert.deepEqual(refused, { what: "tokens", limit: 300, waitMs: 200 });
    }
  });

  test("what was too much comes back at once, when the answer is over", () => {
    const it = allowance({ tokensPerMinute: 300 });
    it.open(0);
    assert.equal(it.reserve(10_000, 0), 300);
    assert.equal(it.open(0)?.what, "tokens");
    it.close({ used: 20, reserved: 300 }, 0);
    assert.equal(it.tokens?.remaining(0), 280);
  });

  test("however much an answer cost, its key waits ten minutes at most", () => {
    const it = allowance({ tokensPerMinute: 300 });
    it.open(0);
    it.close({ used: 180_000, reserved: 300 }, 0);
    assert.equal(it.open(10 * MINUTE_MS)?.what, "tokens");
    assert.equal(it.open(10 * MINUTE_MS + 200), undefined);
  });

  test("whatever comes and ends, a key in time gets its limit, and more only by one estimate or by what was not foreseen", () => {
    const LIMIT = 600;
    const step = fc.record({
      afterMs: fc.nat(20_000),
      ends: fc.boolean(),
      estimate: fc.integer({ min: 1, max: 2 * LIMIT }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const it = allowance({ tokensPerMinute: LIMIT });
        const open: { reserved: number; used: number }[] = [];
        let nowMs = 0;
        let used = 0;
        for (const { afterMs, ends, estimate, share } of steps) {
          nowMs += afterMs;
          if (ends) {
            const ended = open.shift();
            if (ended === undefined) continue;
            it.close(ended, nowMs);
            used += ended.used;
          } else {
            if (it.open(nowMs) !== undefined) continue;
            const reserved = it.reserve(estimate, nowMs);
            if (typeof reserved !== "number") continue;
            open.push({ reserved, used: Math.floor(reserved * share) });
          }
          const pending = open.reduce((sum, one) => sum + one.reserved, 0);
          const earned = LIMIT + (nowMs / MINUTE_MS) * LIMIT;
          assert.ok(used + pending <= earned + LIMIT, `${used} and ${pending} of ${earned}`);
        }
      }),
    );
  });
});

test("as many requests as allowed may be open, and each that ends makes room for one", () => {
  const it = allowance({ concurrency: 2 });
  assert.equal(it.open(0), undefined);
  assert.equal(it.open(0), undefined);
  assert.deepEqual(it.open(0), { what: "concurrency", limit: 2, waitMs: 1000 });
  it.close({ used: 0, reserved: 0 }, 0);
  assert.equal(it.open(0), undefined);
  assert.equal(it.open(0)?.what, "concurrency");
});

describe("limits that change", () => {
  test("what has been used stays used", () => {
    const it = allowance({ requestsPerMinute: 10 });
    for (let i = 0; i < 8; i++) it.open(0);
    it.adopt({ requestsPerMinute: 9 }, 0);
    assert.equal(it.open(0), undefined);
    assert.equal(it.open(0)?.what, "requests");
  });

  test("a limit that goes is gone, and one that comes starts full", () => {
    const it = allowance({ requestsPerMinute: 1 });
    it.open(0);
    it.adopt({}, 0);
    assert.equal(it.open(0), undefined);
    it.adopt({ requestsPerMinute: 1 }, 0);
    assert.equal(it.open(0), undefined);
  });
});

test("the headers say what SDKs look for, and nothing where there is no limit", () => {
  const it = allowance({ requestsPerMinute: 60, tokensPerMinute: 1000 });
  it.open(0);
  it.close({ used: 250, reserved: 0 }, 0);
  assert.deepEqual(limitHeaders(leftOf(it, 0)), {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "1000",
    "x-ratelimit-remaining-tokens": "750",
    "x-ratelimit-reset-tokens": "15s",
  });
  assert.deepEqual(limitHeaders(leftOf(allowance({}), 0)), {});
});

for (const [ms, text] of [
  [0, "0ms"],
  [850, "850ms"],
  [1000, "1s"],
  [59_001, "1m0s"],
  [372_000, "6m12s"],
] as const) {
  test(`${ms} ms are written ${text}`, () => {
    assert.equal(duration(ms), text);
  });
}
