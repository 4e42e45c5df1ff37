import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test, type TestContext } from "node:test";
import { badGateway, rateLimited } from "@localmodel/inference/unavailability.ts";
import type { Request, Response } from "express";
import { holdRefusals } from "./held-refusals.ts";

const TOO_MANY = rateLimited("too many", 1);

function holding(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  const handle = holdRefusals(
    (req) => req.url,
    () => nowMs,
  );
  return {
    refuse: (owner: string, error: unknown = TOO_MANY) => {
      const res = new EventEmitter();
      const next = t.mock.fn();
      void handle(error, { url: owner } as Request, res as unknown as Response, next);
      return { told: () => next.mock.callCount() === 1, hangUp: () => res.emit("close") };
    },
    pass: (ms: number) => {
      nowMs += ms;
      t.mock.timers.tick(ms);
    },
  };
}

test("twenty refusals in a second are told at once, the others a second later", (t) => {
  const { refuse, pass } = holding(t);
  const all = Array.from({ length: 25 }, () => refuse("hog"));
  assert.equal(all.filter(({ told }) => told()).length, 20);
  assert.ok(refuse("alice").told(), "others are told at once");
  assert.ok(refuse("hog", badGateway("no")).told(), "and so is what is no refusal");
  pass(1000);
  assert.ok(all.every(({ told }) => told()));
  assert.ok(refuse("hog").told(), "a second later it may be told again");
});

test("a client that hangs up while it waits for its refusal leaves nothing behind", (t) => {
  const { refuse, pass } = holding(t);
  for (let count = 0; count < 20; count++) refuse("hog");
  const { told, hangUp } = refuse("hog");
  hangUp();
  pass(5000);
  assert.ok(!told());
});
