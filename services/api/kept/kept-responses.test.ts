import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { asksOfAnswerStores } from "../fixtures/answer-store-contract.ts";
import { Conversations } from "./conversations.ts";
import { type KeptResponse, KeptResponses } from "./kept-responses.ts";

const LIMITS = { maxCount: 100, maxBytes: 1024 * 1024, lifetimeSeconds: 60 };

function one(id: string, fields: Partial<KeptResponse> = {}): KeptResponse {
  const none = Buffer.alloc(0);
  return { id, input: none, output: none, response: none, chain: [], ...fields };
}

function idsOf(turns: readonly KeptResponse[]): string[] {
  return turns.map(({ id }) => id);
}

const turnsOf = (kept: KeptResponses, tenant: string, id: string) =>
  new Conversations(kept).turnsUpTo(tenant, id, 1024 * 1024);

test("memory is a place where answers are kept:", (t) =>
  asksOfAnswerStores(t, (limits) => new Conversations(new KeptResponses(limits))));

test("what nobody has used for its lifetime is gone, and use makes a whole conversation young", async () => {
  let nowMs = 0;
  const kept = new KeptResponses(LIMITS, () => nowMs);
  kept.keep("a", one("1"));
  kept.keep("a", one("lonely"));
  nowMs = 40_000;
  kept.keep("a", one("2", { previous: "1" }));
  await turnsOf(kept, "a", "2");
  nowMs = 70_000;
  assert.equal(kept.find("a", "lonely"), undefined);
  assert.deepEqual(idsOf(await turnsOf(kept, "a", "2")), ["1", "2"]);
  nowMs = 200_000;
  assert.equal(kept.find("a", "2"), undefined);
  assert.equal(kept.count, 0);
});

test("who holds most gives way, and what is too large is not kept", () => {
  const kept = new KeptResponses({ ...LIMITS, maxCount: 3 });
  kept.keep("small", one("mine"));
  for (const id of ["1", "2", "3", "4", "5"]) kept.keep("greedy", one(id));
  assert.ok(kept.find("small", "mine"));
  assert.deepEqual(
    ["3", "4", "5"].map((id) => kept.find("greedy", id)?.id),
    [undefined, "4", "5"],
  );
  assert.equal(kept.keep("small", one("huge", { response: Buffer.alloc(512 * 1024) })), false);
});

test("whatever is kept, used and deleted, the bounds hold and nothing is counted that is not there", () => {
  const step = fc.record({
    tenant: fc.constantFrom("a", "b", "c"),
    id: fc.constantFrom("1", "2", "3", "4", "5", "6"),
    does: fc.constantFrom("keep", "use", "delete", "wait"),
    bytes: fc.nat(60_000),
    previous: fc.constantFrom("1", "2", "3"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let nowMs = 0;
      const limits = { maxCount: 8, maxBytes: 200_000, lifetimeSeconds: 10 };
      const kept = new KeptResponses(limits, () => nowMs);
      for (const { tenant, id, does, bytes, previous } of steps) {
        if (does === "keep")
          kept.keep(tenant, one(id, { previous, response: Buffer.alloc(bytes) }));
        else if (does === "delete") kept.delete(tenant, id);
        else if (does === "wait") nowMs += bytes / 10;
        else kept.turnsUpTo(tenant, id);
        assert.ok(kept.count <= limits.maxCount && kept.bytes <= limits.maxBytes);
      }
      for (const tenant of ["a", "b", "c"]) {
        for (const id of ["1", "2", "3", "4", "5", "6"]) kept.delete(tenant, id);
      }
      assert.deepEqual([kept.count, kept.bytes], [0, 0]);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});
