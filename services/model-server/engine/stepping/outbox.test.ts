import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Outbox } from "./outbox.ts";
import type { EngineEvent } from "../protocol.ts";

const SHORT_STEP_MS = 10;
const LONG_STEP_MS = 500;

function delta(id: number, text: string): EngineEvent {
  return { id, event: { type: "delta", choice: 0, text } };
}

function outbox() {
  const sent: (readonly EngineEvent[])[] = [];
  return { box: new Outbox((events) => sent.push(events)), sent };
}

function ofRequest(id: number, events: readonly EngineEvent[]): readonly EngineEvent[] {
  return events.filter((event) => event.id === id);
}

test("a token in the middle of a stream waits until everything is sent", () => {
  const { box, sent } = outbox();
  box.put(delta(1, "a"), { canWait: true });
  box.sendPressing(SHORT_STEP_MS);
  assert.deepEqual(sent, []);
  box.sendAll();
  assert.deepEqual(sent, [[delta(1, "a")]]);
  box.sendAll();
  assert.equal(sent.length, 1, "nothing is sent twice, and no empty message");
});

test("a pressing event takes along what its own request has waiting, and nobody else's", () => {
  const { box, sent } = outbox();
  box.put(delta(1, "a"), { canWait: true });
  box.put(delta(2, "b"), { canWait: true });
  box.put({ id: 1, event: { type: "finish", choice: 0, reason: "stop" } });
  box.sendPressing(SHORT_STEP_MS);
  assert.deepEqual(sent.flat(), [
    delta(1, "a"),
    { id: 1, event: { type: "finish", choice: 0, reason: "stop" } },
  ]);
  box.sendAll();
  assert.deepEqual(sent.flat().at(-1), delta(2, "b"));
});

test("where steps take long, nothing waits", () => {
  const { box, sent } = outbox();
  box.put(delta(1, "a"), { canWait: true });
  box.sendPressing(LONG_STEP_MS);
  assert.deepEqual(sent, [[delta(1, "a")]]);
});

test("every event is sent once, and those of a request in their order", () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ id: fc.nat({ max: 3 }), canWait: fc.boolean() }) },
    fc.constant("pressing" as const),
    fc.constant("all" as const),
  );
  fc.assert(
    fc.property(fc.array(action), (actions) => {
      const { box, sent } = outbox();
      const put: EngineEvent[] = [];
      for (const [index, one] of actions.entries()) {
        if (one === "pressing") box.sendPressing(SHORT_STEP_MS);
        else if (one === "all") box.sendAll();
        else {
          put.push(delta(one.id, String(index)));
          box.put(delta(one.id, String(index)), one);
        }
      }
      box.sendAll();
      for (const id of [0, 1, 2, 3]) {
        assert.deepEqual(ofRequest(id, sent.flat()), ofRequest(id, put));
      }
      assert.equal(sent.flat().length, put.length);
    }),
  );
});
