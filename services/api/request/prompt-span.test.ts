import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGES } from "@localmodel/anthropic/endpoints.ts";
import { JsonShape } from "@localmodel/openai/parsing/json-shape.ts";
import { promptChain } from "../balancing/prompt-chain.ts";
import { Outline } from "./outline.ts";
import { promptSpan } from "./prompt-span.ts";

function chainOf(value: object) {
  const body = Buffer.from(JSON.stringify(value));
  const outline = new Outline(body, ["messages", "tools", "system"]);
  new JsonShape(body, outline).advance(Infinity);
  const span = promptSpan(body, outline, MESSAGES) ?? assert.fail("There is no prompt.");
  return promptChain(body, span, { seed: "" }).map(({ hash }) => hash);
}

const messages = [{ role: "user", content: "Hi" }];
const block = (text: string) => ({ type: "text", text });
const billed = (checksum: string, instructions: string) => [
  block(`x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli; cch=${checksum};`),
  block(instructions),
];

test("turns of Claude Code begin alike, whatever the checksum that it puts before each", () => {
  const turns = ["eb6c6", "00000"].map((each) =>
    chainOf({ system: billed(each, "Be brief."), messages }),
  );
  assert.deepEqual(turns[0], turns[1]);
});

test("other instructions are another beginning, also behind such a checksum", () => {
  const chains = ["Be brief.", "Be kind."].map(
    (instructions) => chainOf({ system: billed("eb6c6", instructions), messages })[0],
  );
  assert.notEqual(chains[0], chains[1]);
});
