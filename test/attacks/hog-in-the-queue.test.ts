import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { answerAtOnce, attackedApi } from "../support/attacked-api.ts";

test("a key that fills a model's queue keeps no other key out, and is refused itself", async (t) => {
  const held: (() => void)[] = [];
  let isHeld = true;
  const answer = (req: Parameters<typeof answerAtOnce>[0], res: ServerResponse): void => {
    if (isHeld) held.push(() => answerAtOnce(req, res));
    else answerAtOnce(req, res);
  };
  const { ask, requests } = await attackedApi(t, {
    keys: { hog: {}, alice: {}, bob: {} },
    config: { maxQueuedRequests: 60 },
    slots: 2,
    answer,
  });
  let refused = 0;
  const flood = Array.from({ length: 200 }, async () => {
    const { status } = await ask("hog");
    if (status === 429) refused += 1;
    return status;
  });
  // Three are with the server, and sixty wait.
  await t.waitFor(() => assert.equal(refused, 137), { timeout: 20_000 });
  assert.equal(requests(), 3);
  const others = ["alice", "bob"].flatMap((key) =>
    Array.from({ length: 20 }, async () => (await ask(key)).status),
  );
  await t.waitFor(() => assert.equal(refused, 177), { timeout: 20_000 });
  isHeld = false;
  for (const release of held) release();
  assert.deepEqual(new Set(await Promise.all(others)), new Set([200]));
  assert.equal((await Promise.all(flood)).filter((status) => status === 200).length, 23);
});
