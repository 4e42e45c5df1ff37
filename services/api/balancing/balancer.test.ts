import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Balancer, type Lease } from "./balancer.ts";
import type { Verdict } from "./outliers.ts";

const NONE: ReadonlySet<string> = new Set();
const noChain = () => [];

const verdict = fc.constantFrom<Verdict>("success", "failure", "unreachable", "none");
const command = fc.oneof(
  fc.record({ type: fc.constant("take" as const), prompt: fc.nat({ max: 5 }) }),
  fc.record({
    type: fc.constant("end" as const),
    which: fc.nat(),
    verdict,
    answered: fc.boolean(),
  }),
  fc.record({ type: fc.constant("wait" as const), ms: fc.nat({ max: 20_000 }) }),
  fc.record({ type: fc.constant("endpoints" as const), of: fc.subarray(["a", "b", "c", "d"]) }),
);

type Command = typeof command extends fc.Arbitrary<infer One> ? One : never;

/** A model whose endpoints come and go, and everything that was asked of them. */
class World {
  nowMs = 0;
  endpoints: readonly string[] = ["a", "b", "c"];
  readonly balancer = new Balancer({ now: () => this.nowMs });
  readonly open: Lease[] = [];

  run(one: Command): void {
    if (one.type === "wait") this.nowMs += one.ms;
    else if (one.type === "endpoints") this.endpoints = one.of;
    else if (one.type === "take") this.#take(one.prompt);
    else this.#end(this.open.splice(one.which % this.open.length, 1)[0], one);
  }

  #take(prompt: number): void {
    const model = { id: "m", endpoints: this.endpoints, slots: 2 };
    const lease = this.balancer.lease(model, () => [{ hash: prompt, bytes: 1000 }], NONE);
    assert.equal(lease === undefined, this.endpoints.length === 0);
    if (lease !== undefined) this.open.push(lease);
  }

  #end(lease: Lease | undefined, end: { answered: boolean; verdict: Verdict }): void {
    if (end.answered) lease?.answered();
    lease?.judge(end.verdict);
    lease?.[Symbol.dispose]();
    lease?.[Symbol.dispose]();
  }
}

test("whatever happens to endpoints, counts never drift and there is always one to ask", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
      const world = new World();
      for (const one of commands) {
        world.run(one);
        for (const endpoint of "abcd") {
          const expected = world.open.filter((lease) => lease.endpoint === endpoint).length;
          assert.equal(world.balancer.inFlight(endpoint), expected);
        }
      }
      for (const lease of world.open) lease[Symbol.dispose]();
      for (const endpoint of "abcd") assert.equal(world.balancer.inFlight(endpoint), 0);
    }),
  );
});

function stage(endpoints: readonly string[]) {
  const clock = { ms: 0 };
  const balancer = new Balancer({ now: () => clock.ms });
  const model = { id: "m", endpoints, slots: 4 };
  const ask = (
    given: Verdict = "success",
    chain = noChain as () => { hash: number; bytes: number }[],
  ) => {
    using lease = balancer.lease(model, chain, NONE);
    lease?.judge(given);
    return lease?.endpoint;
  };
  return { balancer, clock, model, ask };
}

test("an idle model's endpoints take turns", () => {
  const { ask } = stage(["a", "b", "c"]);
  assert.equal([1, 2, 3, 4, 5, 6].map(() => ask()).join(""), "abcabc");
});

test("an endpoint that is to leave is spared as long as others have free slots, each gateway using its part", () => {
  for (const gateways of [1, 2]) {
    const balancer = new Balancer({ gateways: () => gateways });
    const model = { id: "m", endpoints: ["a", "b"], slots: 4, leaving: ["b"] };
    const asked = Array.from(
      { length: 5 },
      () => balancer.lease(model, noChain, NONE)?.endpoint,
    ).join("");
    assert.match(asked, gateways === 1 ? /^aaaab$/ : /^aab/);
  }
});

test("a conversation stays where it began, and another one goes elsewhere", () => {
  const { ask } = stage(["a", "b", "c"]);
  const first = [{ hash: 1, bytes: 300 }];
  const home = ask("success", () => first);
  for (const turn of [2, 3, 4]) {
    ask();
    assert.equal(
      ask("success", () => [...first, { hash: turn, bytes: 300 * turn }]),
      home,
    );
  }
  assert.notEqual(
    ask("success", () => [{ hash: 99, bytes: 300 }]),
    home,
  );
});

test("an endpoint that cannot be reached is left alone, then probed by one request at a time", () => {
  const { balancer, clock, model, ask } = stage(["a", "b"]);
  assert.equal(ask("unreachable"), "a");
  assert.deepEqual(
    [1, 2, 3].map(() => ask()),
    ["b", "b", "b"],
  );
  clock.ms = 1000;
  using probe = balancer.lease(model, noChain, NONE);
  assert.equal(probe?.endpoint, "a");
  assert.deepEqual(
    [1, 2, 3].map(() => ask()),
    ["b", "b", "b"],
  );
  probe.judge("failure");
  probe[Symbol.dispose]();
  clock.ms = 2999;
  assert.deepEqual(
    [1, 2].map(() => ask()),
    ["b", "b"],
  );
  clock.ms = 3000;
  assert.equal(ask("success"), "a");
  assert.equal(ask(), "b");
  assert.equal(ask(), "a");
});

test("an endpoint is ejected after three failures in a row, a success in between forgives", () => {
  const { ask, clock } = stage(["a", "b"]);
  const round = (verdictOfA: Verdict) => {
    for (let i = 0; i < 2; i++) {
      // Each asks the one unused for longest, so every second request meets `a`.
      ask(clock.ms % 2 === 0 ? verdictOfA : "success");
      clock.ms += 1;
    }
  };
  for (const one of ["failure", "failure", "success", "failure", "failure"] as const) round(one);
  assert.equal(ask("failure"), "a");
  assert.deepEqual(
    [1, 2, 3].map(() => ask()),
    ["b", "b", "b"],
  );
});

test("all that failed is asked nevertheless", () => {
  const { ask } = stage(["a", "b"]);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => ask("unreachable")),
    ["a", "b", "a", "b"],
  );
});

test("an endpoint that joins gets its share of the load little by little", () => {
  const { balancer, clock, model } = stage(["a"]);
  const leases: (Lease | undefined)[] = [];
  const take = (endpoints: readonly string[]) => {
    const lease = balancer.lease({ ...model, endpoints }, noChain, NONE);
    leases.push(lease);
    return lease?.endpoint;
  };
  take(["a"]);
  const both = ["a", "b"];
  const early = Array.from({ length: 10 }, () => take(both)).filter((one) => one === "b").length;
  for (const lease of leases.splice(0)) lease?.[Symbol.dispose]();
  clock.ms = 10_000;
  const late = Array.from({ length: 10 }, () => take(both)).filter((one) => one === "b").length;
  assert.ok(early >= 1 && early < 4, `${early}`);
  assert.equal(late, 5);
});
