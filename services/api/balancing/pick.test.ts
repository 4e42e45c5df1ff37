import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Candidate, loadBound, pick } from "./pick.ts";

function candidate(url: string, fields: Partial<Candidate> = {}): Candidate {
  const usual = {
    inFlight: 0,
    weight: 4,
    available: true,
    isLeaving: false,
    tried: false,
    sharedBytes: 0,
    affinity: 0,
    lastUse: 0,
  };
  return { url, ...usual, ...fields };
}

const cases: [string, Partial<Candidate>[], string | undefined][] = [
  ["nobody is picked of none", [], undefined],
  ["the least busy is picked", [{ inFlight: 2 }, { inFlight: 1 }, { inFlight: 3 }], "b"],
  ["of equals the one unused for longest is picked", [{ lastUse: 2 }, { lastUse: 1 }], "b"],
  [
    "busy is measured by slots",
    [
      { inFlight: 3, weight: 8 },
      { inFlight: 2, weight: 2 },
    ],
    "a",
  ],
  ["reuse comes before load", [{ inFlight: 0 }, { inFlight: 1, sharedBytes: 500 }], "b"],
  ["the longest reuse wins", [{ sharedBytes: 400 }, { sharedBytes: 900 }], "b"],
  ["where it belongs comes before load", [{ affinity: 1 }, { inFlight: 1, affinity: 2 }], "b"],
  ["reuse comes before where it belongs", [{ affinity: 9 }, { sharedBytes: 500 }], "b"],
  [
    "nobody belongs where one has much more than its share",
    [{ inFlight: 0 }, { inFlight: 6, affinity: 9 }],
    "a",
  ],
  [
    "reuse ends where one has much more than its share",
    [{ inFlight: 0 }, { inFlight: 6, sharedBytes: 900 }],
    "a",
  ],
  ["whoever failed is left alone", [{ inFlight: 5 }, { available: false, sharedBytes: 900 }], "a"],
  [
    "whoever failed is asked when all did",
    [{ available: false, inFlight: 1 }, { available: false }],
    "b",
  ],
  ["whoever was tried comes last", [{ tried: true }, { inFlight: 9 }], "b"],
  [
    "an untried one that failed comes before a tried one",
    [{ tried: true }, { available: false }],
    "b",
  ],
  [
    "one that is to leave is spared, although it knows the prompt",
    [{ inFlight: 3 }, { isLeaving: true, sharedBytes: 900 }],
    "a",
  ],
  [
    "one that is to leave gets what the others have no slot for",
    [{ inFlight: 4 }, { isLeaving: true }, { isLeaving: true, inFlight: 1 }],
    "b",
  ],
  [
    "one that is to leave is better than one that failed",
    [{ available: false }, { isLeaving: true }],
    "b",
  ],
  ["all tried is as good as none tried", [{ tried: true, inFlight: 1 }, { tried: true }], "b"],
];

for (const [name, fields, expected] of cases) {
  test(name, () => {
    const candidates = fields.map((one, index) => candidate("abc".charAt(index), one));
    assert.equal(pick(candidates)?.url, expected);
  });
}

const load = (one: Candidate) => (one.inFlight + 1) / one.weight;

test("whatever the endpoints are like, load stays bounded and somebody is picked", () => {
  const fields = fc.record({
    inFlight: fc.nat({ max: 40 }),
    weight: fc.constantFrom(0.25, 1, 2, 4, 16),
    available: fc.boolean(),
    tried: fc.boolean(),
    sharedBytes: fc.constantFrom(0, 200, 5000),
    affinity: fc.constantFrom(0, 1, 7),
    lastUse: fc.nat({ max: 100 }),
  });
  fc.assert(
    fc.property(
      fc.array(fields, { minLength: 1, maxLength: 8 }),
      fc.nat({ max: 2 }),
      (all, slack) => {
        const candidates = all.map((one, index) => candidate(String(index), one));
        const picked = pick(candidates, { slack, share: 1 });
        assert.ok(picked);
        if (candidates.some((one) => !one.tried)) assert.equal(picked.tried, false);
        const peers = candidates.filter((one) => one.tried === picked.tried);
        if (peers.some((one) => one.available)) assert.equal(picked.available, true);
        const choice = peers.filter((one) => one.available === picked.available);
        const sum = (of: (one: Candidate) => number) =>
          choice.reduce((total, one) => total + of(one), 0);
        const average = (sum((one) => one.inFlight) + 1) / sum((one) => one.weight);
        const least = Math.min(...choice.map(load));
        assert.ok(
          picked.inFlight + 1 <= loadBound(picked.weight, average, slack) || load(picked) === least,
        );
      },
    ),
  );
});
