import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "@localmodel/inference/failure.ts";
import * as fc from "fast-check";
import { Places } from "./places.ts";

function retryAfterOf(places: Places): number {
  try {
    places.take();
  } catch (error) {
    assert.ok(error instanceof Failure);
    assert.equal(error.status, 429);
    return (error.data.retry as { afterSeconds: number }).afterSeconds;
  }
  throw new assert.AssertionError({ message: "there was room" });
}

test("slots and queue bound what is inside, and a place is free again once it is given back", () => {
  const places = new Places({ slots: 1, maxQueuedRequests: 1 });
  const first = places.take();
  places.take();
  assert.equal(retryAfterOf(places), 1);
  first[Symbol.dispose]();
  assert.doesNotThrow(() => places.take());
});

test("a place that is given back twice counts once", () => {
  const places = new Places({ slots: 1, maxQueuedRequests: 0 });
  const place = places.take();
  place[Symbol.dispose]();
  place[Symbol.dispose]();
  assert.equal(places.inFlight, 0);
  places.take();
  assert.throws(() => places.take());
});

test("the suggested wait is the queue at the pace of the recent departures", () => {
  let nowMs = 0;
  const places = new Places({ slots: 2, maxQueuedRequests: 10 }, () => nowMs);
  const taken = Array.from({ length: 12 }, () => places.take());
  for (const place of taken.splice(0, 5)) {
    nowMs += 500;
    place[Symbol.dispose]();
    taken.push(places.take());
  }
  assert.equal(retryAfterOf(places), 5, "10 waiting, one leaves every half second");
});

test("who would give up in the queue is not let in, who has more patience is", () => {
  let nowMs = 0;
  const places = new Places({ slots: 1, maxQueuedRequests: 10 }, () => nowMs);
  const taken = Array.from({ length: 4 }, () => places.take(1));
  for (const place of taken.splice(0, 2)) {
    nowMs += 2000;
    place[Symbol.dispose]();
    taken.push(places.take());
  }
  assert.throws(() => places.take(5), { status: 429, code: "rate_limit_exceeded" });
  taken.push(places.take(6));
  for (const place of taken) place[Symbol.dispose]();
  assert.doesNotThrow(() => places.take(0.001), "there is a slot again");
});

test("an idle hour does not count as the pace of departures", () => {
  let nowMs = 0;
  const places = new Places({ slots: 1, maxQueuedRequests: 1 }, () => nowMs);
  const rush = () => [places.take(), places.take()];
  for (const place of rush()) place[Symbol.dispose]();
  nowMs += 3_600_000;
  const [first, second] = rush();
  nowMs += 100;
  first?.[Symbol.dispose]();
  places.take();
  assert.equal(retryAfterOf(places), 1);
  second?.[Symbol.dispose]();
});

test("in any order of arrivals and departures the bound holds and no place is lost", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (moves) => {
      const places = new Places({ slots: 2, maxQueuedRequests: 3 });
      const inside: Disposable[] = [];
      for (const move of moves) {
        if (move % 2 === 0 && inside.length < 5) inside.push(places.take());
        else if (move % 2 === 0) retryAfterOf(places);
        else inside.splice(move % Math.max(1, inside.length), 1)[0]?.[Symbol.dispose]();
        assert.equal(places.inFlight, inside.length);
      }
    }),
  );
});
