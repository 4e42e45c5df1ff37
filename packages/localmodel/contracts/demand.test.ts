import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  DEMAND_LINE_MAX_BYTES,
  demandLine,
  type DemandPicture,
  parseDemandPicture,
} from "./demand.ts";
import { demandTokenFor, serverKeyFor } from "./server-key.ts";

const count = fc.integer({ min: 0, max: 1_000_000_000 });
const name = fc.string({ minLength: 1, maxLength: 253, unit: "binary-ascii" });
const time = fc.integer({ min: 0, max: 8_640_000_000_000_000 });

const picture: fc.Arbitrary<DemandPicture> = fc.record(
  {
    version: fc.constant(1 as const),
    pod: name,
    startedAtMs: time,
    models: fc.array(
      fc.record(
        {
          namespace: name,
          name,
          inFlight: count,
          queued: count,
          lastAskedAtMs: time,
          lastCameAtMs: time,
          sleepAskedAtMs: time,
          servers: fc.array(fc.record({ pod: name, inFlight: count }, { noNullPrototype: true }), {
            maxLength: 4,
          }),
        },
        {
          requiredKeys: [
            "namespace",
            "name",
            "inFlight",
            "queued",
            "lastAskedAtMs",
            "lastCameAtMs",
            "servers",
          ],
          noNullPrototype: true,
        },
      ),
      { maxLength: 8 },
    ),
  },
  { noNullPrototype: true },
);

const MODEL = {
  namespace: "a",
  name: "b",
  inFlight: 3,
  queued: 12,
  lastAskedAtMs: 1,
  lastCameAtMs: 1,
};
const PICTURE = { version: 1, pod: "api-0", startedAtMs: 0, models: [MODEL] };

test("a picture is read as it was written, as one line", () => {
  fc.assert(
    fc.property(picture, (one) => {
      const line = demandLine(one);
      assert.equal(line.indexOf("\n"), line.length - 1);
      assert.deepEqual(parseDemandPicture(line), one);
    }),
  );
});

test("whatever a line says, reading it does not throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      assert.equal(parseDemandPicture(line), undefined);
    }),
  );
});

test("fields that are not known are dropped, and a model's servers may be left out", () => {
  const newer = { ...PICTURE, mood: "fine", models: [{ ...MODEL, mood: "fine" }] };
  const read = parseDemandPicture(JSON.stringify(newer));
  assert.deepEqual(read, { ...PICTURE, models: [{ ...MODEL, servers: [] }] });
});

test("another version, a number below zero and a name without letters are not read", () => {
  const wrong = [
    { ...PICTURE, version: 2 },
    { ...PICTURE, pod: "" },
    { ...PICTURE, models: [{ ...MODEL, inFlight: -1 }] },
    { ...PICTURE, models: [{ ...MODEL, queued: 0.5 }] },
    { ...PICTURE, models: [{ ...MODEL, name: "x".repeat(254) }] },
    { ...PICTURE, models: Array.from({ length: 10_001 }, () => MODEL) },
  ];
  assert.ok(parseDemandPicture(JSON.stringify(PICTURE)));
  for (const one of wrong) assert.equal(parseDemandPicture(JSON.stringify(one)), undefined);
});

test("a line that is too long is not looked at", () => {
  const line = JSON.stringify(PICTURE);
  assert.equal(parseDemandPicture(line.padEnd(DEMAND_LINE_MAX_BYTES + 1)), undefined);
  assert.ok(parseDemandPicture(line.padEnd(DEMAND_LINE_MAX_BYTES)));
});

test("what opens the demand opens no model server, and the secret cannot be seen in it", () => {
  const token = demandTokenFor("secret");
  assert.match(token, /^[\w-]{43}$/);
  for (const server of [undefined, "demand", "a/b"]) {
    assert.notEqual(token, serverKeyFor("secret", server));
  }
});
