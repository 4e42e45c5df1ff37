import assert from "node:assert/strict";
import { test } from "node:test";
import { promptChain } from "./prompt-chain.ts";

/** The chain of a body in which `messages` and `tools` stand at known places. */
function chainOf(tools: string, messages: string, seed = "model\nkey") {
  const body = Buffer.from(`${tools}${messages}`);
  const heads = tools === "" ? [] : [{ start: 0, end: tools.length }];
  const hashes = promptChain(body, { start: tools.length, ends: [body.length], heads }, { seed });
  return hashes.map(({ hash }) => hash);
}

const messages = '[{"role":"user","content":"Hi"}]';

test("the same tools and messages have the same chain", () => {
  assert.deepEqual(chainOf('["a"]', messages), chainOf('["a"]', messages));
});

test("other tools are another beginning, and so are none", () => {
  const chains = ['["a"]', '["b"]', ""].map((tools) => chainOf(tools, messages)[0]);
  assert.equal(new Set(chains).size, 3);
});
