/** Follow-ups of conversations, when every turn meets another replica of the API service: a simulation, and the real thing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, gateway, model } from "../fixtures/gateway.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";
import { Balancer, type Lease } from "./balancer.ts";
import type { Link } from "./prompt-chain.ts";

const NONE: ReadonlySet<string> = new Set();
const TURNS = 5;
const REQUESTS = 6000;

type Conversation = { readonly anchor: number; turn: number; home?: string };

/** Always the same for a seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Open = { readonly lease: Lease; readonly of: Conversation };

/** Conversations that go on, or begin, whenever an answer has ended. */
class World {
  readonly #random = randomOf(7);
  readonly #open: Open[] = [];
  readonly #idle: Conversation[] = [];
  readonly #inFlight: number;
  #started = 0;

  constructor(inFlight: number) {
    this.#inFlight = inFlight;
  }

  /** One that has its next turn now. */
  next(): Conversation {
    if (this.#open.length >= this.#inFlight) this.#end();
    const { length } = this.#idle;
    const goesOn = length > 3 * this.#inFlight || (length > 0 && this.#random(5) > 0);
    const [known] = goesOn ? this.#idle.splice(this.#random(length), 1) : [];
    const next = known ?? { anchor: Math.imul(++this.#started, 0x9e3779b1), turn: 0 };
    next.turn += 1;
    return next;
  }

  asks(one: Open): void {
    this.#open.push(one);
  }

  any<Item>(items: readonly Item[]): Item | undefined {
    return items[this.#random(items.length)];
  }

  #end(): void {
    for (const { lease, of } of this.#open.splice(this.#random(this.#open.length), 1)) {
      lease[Symbol.dispose]();
      if (of.turn < TURNS) this.#idle.push(of);
    }
  }
}

function chainOf({ anchor, turn }: Conversation): readonly Link[] {
  return Array.from({ length: turn }, (_, index) => ({
    hash: anchor + index,
    bytes: 300 * (index + 1),
    ...(index === 0 && { opens: true as const }),
  }));
}

/** Share of follow-ups that are sent where the turn before was, with so many requests in flight all the time. */
function shareThatMeets(gateways: number, servers: number, inFlight: number): number {
  const options = { now: () => 0, gateways: () => gateways };
  const balancers = Array.from({ length: gateways }, () => new Balancer(options));
  const endpoints = Array.from({ length: servers }, (_, index) => `http://10.0.0.${index + 1}:80`);
  const world = new World(inFlight);
  let [followUps, met] = [0, 0];
  for (let request = 0; request < REQUESTS; request++) {
    const of = world.next();
    const asked = { id: "m", endpoints, slots: 4 };
    const lease = world.any(balancers)?.lease(asked, () => chainOf(of), NONE);
    assert.ok(lease);
    if (of.turn > 1) followUps += 1;
    if (of.turn > 1 && lease.endpoint === of.home) met += 1;
    of.home = lease.endpoint;
    world.asks({ lease, of });
  }
  return met / followUps;
}

for (const servers of [2, 4]) {
  for (const inFlight of [2, 4, 8, 12]) {
    test(`follow-ups meet their server with several gateways as with one: ${servers} servers, ${inFlight} in flight`, (t) => {
      const alone = shareThatMeets(1, servers, inFlight);
      for (const gateways of [2, 4]) {
        const share = shareThatMeets(gateways, servers, inFlight);
        t.diagnostic(`${gateways} gateways: ${share.toFixed(3)}, one: ${alone.toFixed(3)}`);
        assert.ok(share >= alone - 0.05, `${gateways} gateways: ${share}, one: ${alone}`);
      }
    });
  }
}

for (const count of [2, 4]) {
  test(`conversations over HTTP stay at their server, whichever of ${count} gateways each turn meets`, async (t) => {
    const servers = await Promise.all(
      ["a", "b"].map((name) => upstream(t, answer(json({ choices: [], from: name })))),
    );
    const models = [model("m", { endpoints: servers.map(({ url }) => url), slots: 4 })];
    const gateways = await Promise.all(
      Array.from({ length: count }, () => gateway(t, models, { gateways: () => count })),
    );
    const turns = [...gateways, ...gateways];
    for (let conversation = 0; conversation < 20; conversation++) {
      const messages = [{ role: "user", content: `Question ${conversation}. ${"x".repeat(200)}` }];
      const homes = new Set<unknown>();
      for (const { url } of turns) {
        const { from } = (await (await chat(url, { model: "m", messages })).json()) as {
          from: string;
        };
        homes.add(from);
        messages.push({ role: "assistant", content: from }, { role: "user", content: "And then?" });
      }
      assert.equal(homes.size, 1, `conversation ${conversation}`);
    }
    assert.equal(servers.flatMap(({ requests }) => requests).length, 20 * turns.length);
  });
}
