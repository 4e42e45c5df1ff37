import assert from "node:assert/strict";
import { test } from "node:test";
import { Departures } from "./departures.ts";

const WAITING = { othersWait: true };

test("the wait follows the pace at which requests leave", () => {
  const departures = new Departures();
  assert.equal(departures.waitSeconds(1), undefined);
  departures.add(1000, WAITING);
  assert.equal(departures.waitSeconds(1), undefined);
  departures.add(3000, WAITING);
  assert.equal(departures.waitSeconds(1), 2);
  assert.equal(departures.waitSeconds(10), 20);
});

test("a pause in which nobody waited is not part of the pace", () => {
  const departures = new Departures();
  for (const ms of [0, 1000]) departures.add(ms, WAITING);
  departures.add(2000, { othersWait: false });
  assert.equal(departures.waitSeconds(1), undefined);
  for (const ms of [900_000, 900_500]) departures.add(ms, WAITING);
  assert.equal(departures.waitSeconds(2), 1);
});

test("only the latest departures count", () => {
  const departures = new Departures();
  for (let index = 0; index < 100; index++) departures.add(index * 10_000, WAITING);
  for (let index = 0; index < 32; index++) departures.add(1_000_000 + index * 100, WAITING);
  assert.ok(Math.abs((departures.waitSeconds(1) ?? 0) - 0.1) < 1e-9);
});
