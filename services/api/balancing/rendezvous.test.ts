import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Link, promptChain } from "./prompt-chain.ts";
import { affinityOf, anchorOf } from "./rendezvous.ts";

const endpoints = fc.uniqueArray(
  fc.integer({ min: 1, max: 250 }).map((n) => `http://10.0.0.${n}:8080`),
  { minLength: 2, maxLength: 8 },
);
const anchors = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const homeOf = (anchor: number, among: readonly string[]) =>
  among.toSorted((a, b) => affinityOf(anchor, b) - affinityOf(anchor, a))[0];

test("when a server goes, only its own conversations move, and the order of servers is nothing", () => {
  fc.assert(
    fc.property(anchors, endpoints, (anchor, all) => {
      const home = homeOf(anchor, all);
      assert.equal(homeOf(anchor, all.toReversed()), home);
      for (const gone of all.filter((one) => one !== home)) {
        assert.equal(
          homeOf(
            anchor,
            all.filter((one) => one !== gone),
          ),
          home,
        );
      }
    }),
  );
});

test("conversations spread over servers whose addresses are almost the same", () => {
  const all = [1, 2, 3, 4].map((n) => `http://10.0.0.${n}:8080`);
  const homes = Array.from({ length: 4000 }, (_, anchor) => homeOf(anchor, all));
  for (const one of all) {
    const share = homes.filter((home) => home === one).length / homes.length;
    assert.ok(Math.abs(share - 0.25) < 0.03, `${one}: ${share}`);
  }
});

type Message = { readonly role: string; readonly content: string };

/** As a client writes it, with where each message ends. */
function chainOf(messages: readonly Message[], seed = "m\n"): readonly Link[] {
  const parts = messages.map((message) => JSON.stringify(message));
  const ends = parts.map((_, index) => `[${parts.slice(0, index + 1).join(",")}`.length);
  return promptChain(Buffer.from(`[${parts.join(",")}]`), { start: 0, ends, heads: [] }, { seed });
}

const content = fc.string({ maxLength: 1500 });
const message = fc.record({ role: fc.constantFrom("user", "assistant", "tool"), content });

test("all turns of a conversation have one anchor, whatever is said in them", () => {
  const system = { role: "system", content: "Be brief." };
  fc.assert(
    fc.property(content, fc.array(message, { maxLength: 6 }), (said, later) => {
      const opening = [system, { role: "user", content: said }];
      const anchor = anchorOf(chainOf(opening));
      assert.ok(anchor !== undefined);
      assert.equal(anchorOf(chainOf([...opening, ...later])), anchor);
    }),
  );
});

test("conversations that differ in their first question have others, and so have tenants", () => {
  const system = { role: "system", content: "Be brief." };
  const anchorFor = (question: string, seed?: string) =>
    anchorOf(chainOf([system, { role: "user", content: question }], seed));
  assert.notEqual(anchorFor("Why is the sky blue?"), anchorFor("Why is the sea blue?"));
  assert.notEqual(anchorFor("Why?", "m\nalice"), anchorFor("Why?", "m\nbob"));
  assert.equal(anchorOf([]), undefined);
});

test("what goes on with a kept answer has the anchor of its first turn", () => {
  const first = chainOf([{ role: "user", content: "Why is the sky blue?" }]);
  const text = JSON.stringify([{ role: "user", content: "And the sea?" }]);
  const prompt = { start: 0, ends: [text.length], heads: [] };
  const next = promptChain(Buffer.from(text), prompt, { seed: "m\n", earlier: first });
  assert.equal(anchorOf(next), anchorOf(first));
});
