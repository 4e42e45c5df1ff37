import assert from "node:assert/strict";
import { test } from "node:test";
import { spaceProblem } from "./disk-space.ts";

test("room is checked with a reserve, and the message has both numbers", () => {
  assert.equal(spaceProblem(1_000_000_000, 2_000_000_000, "/models"), undefined);
  const problem = spaceProblem(4_920_000_000, 3_100_000_000, "/models");
  assert.match(problem ?? "", /4\.92 GB are needed in \/models, where 3\.10 GB are free/);
  assert.notEqual(spaceProblem(1000, 1000, "/models"), undefined);
});
