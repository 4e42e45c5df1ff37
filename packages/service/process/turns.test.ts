import assert from "node:assert/strict";
import { setImmediate as round } from "node:timers/promises";
import { test } from "node:test";
import { Turns } from "./turns.ts";

test("in each round of the event loop one of those who work has a slice, in turns", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let slice = 0; slice < 3; slice++) {
      await turns.next();
      done.push(name);
    }
  };
  const all = [work("a"), work("b"), work("c")];
  for (let rounds = 1; rounds <= 9; rounds++) {
    await round();
    assert.ok(done.length <= rounds, `${done.length} slices in ${rounds} rounds`);
  }
  await Promise.all(all);
  assert.equal(done.join(""), "abcabcabc");
});
