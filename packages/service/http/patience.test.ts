import assert from "node:assert/strict";
import { test } from "node:test";
import type { Request } from "express";
import { patienceSeconds } from "./patience.ts";

const saying = (headers: Record<string, string>) =>
  ({ get: (name: string) => headers[name] }) as unknown as Request;

test("both official clients say how long they wait", () => {
  assert.equal(patienceSeconds(saying({ "x-stainless-timeout": "600" }), {}), 600);
  assert.equal(patienceSeconds(saying({ "x-stainless-read-timeout": "2.5" }), {}), 2.5);
});

test("who says nothing, nonsense or zero waits for ever, and so does a stream", () => {
  for (const value of ["", "0", "-1", "soon", "NOT_GIVEN"]) {
    assert.equal(patienceSeconds(saying({ "x-stainless-timeout": value }), {}), Infinity);
  }
  assert.equal(patienceSeconds(saying({}), {}), Infinity);
  assert.equal(patienceSeconds(saying({ "x-stainless-timeout": "1" }), { stream: true }), Infinity);
});
