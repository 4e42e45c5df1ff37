import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import type { DesiredModel } from "./desired.ts";
import { type Action, plan, type RunningServer } from "./plan.ts";

function wanted(key: string, revision: string): DesiredModel {
  return { key, revision } as DesiredModel;
}

function server(
  number: number,
  key: string,
  revision: string,
  status: RunningServer["status"],
): RunningServer {
  return { number, key, revision, status };
}

/** `+a1` starts revision 1 of a, `-3` stops server 3. */
function summary(actions: readonly Action[]): string {
  return actions
    .map((action) =>
      action.type === "start"
        ? `+${action.model.key}${action.model.revision}`
        : `-${action.number}`,
    )
    .join(" ");
}

describe("the plan", () => {
  const cases: [string, DesiredModel[], RunningServer[], string][] = [
    ["is empty when nothing is wanted and nothing runs", [], [], ""],
    ["starts what is wanted", [wanted("a", "1"), wanted("b", "1")], [], "+a1 +b1"],
    ["leaves alone what runs as wanted", [wanted("a", "1")], [server(1, "a", "1", "serving")], ""],
    ["waits for what is coming", [wanted("a", "1")], [server(1, "a", "1", "coming")], ""],
    ["does not start again what failed", [wanted("a", "1")], [server(1, "a", "1", "failed")], ""],
    [
      "stops what nobody wants",
      [],
      [server(1, "a", "1", "serving"), server(2, "b", "1", "failed")],
      "-1 -2",
    ],
    ["does not stop twice", [], [server(1, "a", "1", "stopping")], ""],
    ["starts anew what is stopping", [wanted("a", "1")], [server(1, "a", "1", "stopping")], "+a1"],
    [
      "starts a new revision beside the old one",
      [wanted("a", "2")],
      [server(1, "a", "1", "serving")],
      "+a2",
    ],
    [
      "keeps the old one while the new one comes",
      [wanted("a", "2")],
      [server(1, "a", "1", "serving"), server(2, "a", "2", "coming")],
      "",
    ],
    [
      "keeps the old one when the new one failed",
      [wanted("a", "2")],
      [server(1, "a", "1", "serving"), server(2, "a", "2", "failed")],
      "",
    ],
    [
      "stops the old one when the new one serves",
      [wanted("a", "2")],
      [server(1, "a", "1", "serving"), server(2, "a", "2", "serving")],
      "-1",
    ],
    [
      "stops an old one that does not serve at once",
      [wanted("a", "2")],
      [server(1, "a", "1", "coming")],
      "+a2 -1",
    ],
    [
      "stops a failed one that is replaced",
      [wanted("a", "2")],
      [server(1, "a", "1", "failed")],
      "+a2 -1",
    ],
    [
      "drops the revision in between",
      [wanted("a", "3")],
      [server(1, "a", "1", "serving"), server(2, "a", "2", "coming")],
      "+a3 -2",
    ],
    [
      "goes back to the old one that still serves",
      [wanted("a", "1")],
      [server(1, "a", "1", "serving"), server(2, "a", "2", "coming")],
      "-2",
    ],
  ];
  for (const [name, desired, running, expected] of cases) {
    test(name, () => assert.equal(summary(plan(desired, running)), expected));
  }
});

const keys = fc.constantFrom("a", "b");
const revisions = fc.constantFrom("1", "2", "3");
const statuses = fc.constantFrom("coming", "serving", "failed", "stopping");
const world = fc.record({
  desired: fc.uniqueArray(fc.record({ key: keys, revision: revisions }), {
    selector: ({ key }) => key,
  }),
  running: fc
    .array(fc.record({ key: keys, revision: revisions, status: statuses }), { maxLength: 6 })
    .map((servers) => servers.map((one, number) => ({ ...one, number }))),
});

test("carrying out a plan leaves nothing to plan until something happens", () => {
  fc.assert(
    fc.property(world, ({ desired, running }) => {
      const models = desired.map(({ key, revision }) => wanted(key, revision));
      const after = carriedOut(plan(models, running), running);
      assert.deepEqual(plan(models, after), []);
    }),
  );
});

test("a plan never takes away the last server that serves a wanted model", () => {
  fc.assert(
    fc.property(world, ({ desired, running }) => {
      const models = desired.map(({ key, revision }) => wanted(key, revision));
      const after = carriedOut(plan(models, running), running);
      for (const { key } of desired) assert.equal(serves(after, key), serves(running, key));
    }),
  );
});

test("when everything wanted serves, nothing else is left", () => {
  fc.assert(
    fc.property(world, ({ desired, running }) => {
      const models = desired.map(({ key, revision }) => wanted(key, revision));
      const started = carriedOut(plan(models, running), running);
      const ready = started.map((one): RunningServer =>
        one.status === "stopping" ? one : { ...one, status: "serving" },
      );
      const left = carriedOut(plan(models, ready), ready).filter(
        ({ status }) => status !== "stopping",
      );
      const names = new Set(left.map(({ key, revision }) => key + revision));
      assert.deepEqual(
        [...names].toSorted(),
        desired.map(({ key, revision }) => key + revision).toSorted(),
      );
    }),
  );
});

function carriedOut(
  actions: readonly Action[],
  running: readonly RunningServer[],
): RunningServer[] {
  const stopped = new Set(
    actions.flatMap((action) => (action.type === "stop" ? [action.number] : [])),
  );
  const left = running.map((one): RunningServer =>
    stopped.has(one.number) ? { ...one, status: "stopping" } : one,
  );
  const started = actions.flatMap((action, index) =>
    action.type === "start"
      ? [server(100 + index, action.model.key, action.model.revision, "coming")]
      : [],
  );
  return [...left, ...started];
}

function serves(servers: readonly RunningServer[], key: string): boolean {
  return servers.some((one) => one.key === key && one.status === "serving");
}
