import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tool } from "@localmodel/inference/tools.ts";
import { isValidArguments } from "./valid-arguments.ts";

const said: Tool = {
  name: "say",
  parameters: {
    type: "object",
    properties: { input: { type: "string", format: "lark" } },
    required: ["input"],
  },
  field: "tools[0].custom.format",
  inputGrammar: {
    definition: 'start: "yes" | "no" "\\n"',
    field: "tools[0].custom.format.grammar.definition",
  },
};

test("arguments that nothing constrained are valid where their text is of the tool's Lark grammar", () => {
  assert.ok(isValidArguments(said, { input: "yes" }));
  assert.ok(isValidArguments(said, { input: "no\n" }));
  for (const args of [{ input: "no" }, { input: "" }, {}, { input: 1 }, { input: "yes", b: 1 }]) {
    assert.ok(!isValidArguments(said, args), JSON.stringify(args));
  }
});
