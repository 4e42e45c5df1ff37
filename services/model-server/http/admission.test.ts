import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "@localmodel/inference/failure.ts";
import * as fc from "fast-check";
import { Admission } from "./admission.ts";

function retryAfterOf(admission: Admission): number {
  try {
    admission.admit();
  } catch (error) {
    assert.ok(error instanceof Failure);
    assert.equal(error.status, 429);
    return (error.data.retry as { afterSeconds: number }).afterSeconds;
  }
  throw new assert.AssertionError({ message: "there was room" });
}

test("slots and queue bound what is inside, and a place is free again once it is given back", () => {
  const admission = new Admission({ slots: 1, maxQueuedRequests: 1 });
  const first = admission.admit();
  admission.admit();
  assert.equal(retryAfterOf(admission), 1);
  first[Symbol.dispose]();
  assert.doesNotThrow(() => admission.admit());
});

test("a place that is given back twice counts once", () => {
  const admission = new Admission({ slots: 1, maxQueuedRequests: 0 });
  const place = admission.admit();
  place[Symbol.dispose]();
  place[Symbol.dispose]();
  assert.equal(admission.inFlight, 0);
  admission.admit();
  assert.throws(() => admission.admit());
});

test("the suggested wait is the queue at the pace of the recent departures", () => {
  let nowMs = 0;
  const admission = new Admission({ slots: 2, maxQueuedRequests: 10 }, () => nowMs);
  const places = Array.from({ length: 12 }, () => admission.admit());
  for (const place of places.splice(0, 5)) {
    nowMs += 500;
    place[Symbol.dispose]();
    places.push(admission.admit());
  }
  assert.equal(retryAfterOf(admission), 5, "10 waiting, one leaves every half second");
});

test("who would give up in the queue is not let in, who has more patience is", () => {
  let nowMs = 0;
  const admission = new Admission({ slots: 1, maxQueuedRequests: 10 }, () => nowMs);
  const places = Array.from({ length: 4 }, () => admission.admit(1));
  for (const place of places.splice(0, 2)) {
    nowMs += 2000;
    place[Symbol.dispose]();
    places.push(admission.admit());
  }
  assert.throws(() => admission.admit(5), { status: 429, code: "rate_limit_exceeded" });
  places.push(admission.admit(6));
  for (const place of places) place[Symbol.dispose]();
  assert.doesNotThrow(() => admission.admit(0.001), "there is a slot again");
});

test("an idle hour does not count as the pace of departures", () => {
  let nowMs = 0;
  const admission = new Admission({ slots: 1, maxQueuedRequests: 1 }, () => nowMs);
  const rush = () => [admission.admit(), admission.admit()];
  for (const place of rush()) place[Symbol.dispose]();
  nowMs += 3_600_000;
  const [first, second] = rush();
  nowMs += 100;
  first?.[Symbol.dispose]();
  admission.admit();
  assert.equal(retryAfterOf(admission), 1);
  second?.[Symbol.dispose]();
});

test("in any order of arrivals and departures the bound holds and no place is lost", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (moves) => {
      const admission = new Admission({ slots: 2, maxQueuedRequests: 3 });
      const inside: Disposable[] = [];
      for (const move of moves) {
        if (move % 2 === 0 && inside.length < 5) inside.push(admission.admit());
        else if (move % 2 === 0) retryAfterOf(admission);
        else inside.splice(move % Math.max(1, inside.length), 1)[0]?.[Symbol.dispose]();
        assert.equal(admission.inFlight, inside.length);
      }
    }),
  );
});
