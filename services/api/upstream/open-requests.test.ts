import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { Response } from "express";
import { OpenRequests } from "./open-requests.ts";

const QUIET_MS = 1000;

/** As much of an answer as is looked at. */
function answering(): Response {
  const state = { destroyed: false, writableFinished: false, errored: null };
  return Object.assign(new EventEmitter(), state) as unknown as Response;
}

test("new requests are refused as soon as none was open for the time that others need to look elsewhere", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const requests = new OpenRequests();
  let hasLeft = false;
  const left = requests.drain(QUIET_MS).then(() => (hasLeft = true));
  for (let times = 0; times < 5; times += 1) {
    t.mock.timers.tick(QUIET_MS - 1);
    using _open = requests.begin(answering());
  }
  t.mock.timers.tick(QUIET_MS - 1);
  assert.equal(hasLeft, false);
  t.mock.timers.tick(1);
  await left;
  assert.throws(() => requests.begin(answering()), { code: "shutting_down" });
});

test("new requests are not refused while one is open, nor until its client has had time for the next", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const requests = new OpenRequests();
  const before = requests.begin(answering());
  const left = requests.drain(QUIET_MS);
  const after = requests.begin(answering());
  t.mock.timers.tick(10 * QUIET_MS);
  before[Symbol.dispose]();
  t.mock.timers.tick(10 * QUIET_MS);
  after[Symbol.dispose]();
  t.mock.timers.tick(QUIET_MS - 1);
  assert.equal(requests.refusing, false);
  t.mock.timers.tick(1);
  await left;
  assert.equal(requests.refusing, true);
});

test("new requests are refused at once where nobody else chooses who is asked, and after the last deadline", () => {
  const alone = new OpenRequests();
  void alone.drain();
  assert.throws(() => alone.begin(answering()), { code: "shutting_down" });
  const late = new OpenRequests();
  void late.drain();
  late.cut();
  assert.throws(() => late.begin(answering()), { code: "shutting_down" });
});
