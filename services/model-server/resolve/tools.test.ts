import assert from "node:assert/strict";
import { textOf } from "@localmodel/inference/picture.ts";
import { test } from "node:test";
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { ToolUse } from "@localmodel/inference/tools.ts";
import { facts } from "../fixtures/scripted-engine.ts";
import { syntaxNamed } from "@localmodel/tools/fixtures/syntaxes.ts";
import { resolveTools } from "./tools.ts";

const tools = ["f", "g"].map((name) => ({
  name,
  parameters: { type: "object" },
  field: `${name}.parameters`,
}));
const prompts: GenerateAsk["prompts"] = [
  { kind: "chat", messages: [{ role: "user", content: "Hi" }], tools: [{ name: "f" }] },
];
const hermes = { ...facts, toolSyntax: syntaxNamed("hermes") };

function resolved(choice: ToolUse["choice"], more: Partial<ToolUse> = {}) {
  const toolUse = { tools, choice, parallel: false, ...more };
  return resolveTools({ prompts, toolUse }, hermes);
}

test("an answer that has to be a call begins like one, and nothing but a limit ends it early", () => {
  const { constraint, stop } = resolved("required");
  assert.equal(constraint?.prefix, "<tool_call>\n");
  assert.equal(constraint.grammar?.begins, undefined);
  assert.deepEqual(stop, []);
});

test("a call of one tool begins with its name", () => {
  const { constraint } = resolved("required", { among: ["g"] });
  assert.equal(constraint?.prefix, '<tool_call>\n{"name": "g", "arguments":');
});

test("where the model decides, it is held to a call from its marker on", () => {
  const { constraint, stop } = resolved("auto");
  const after = [{ text: "<tool_call>", isPartOfLanguage: true }];
  assert.deepEqual(constraint?.grammar?.begins, { after });
  assert.equal(stop, undefined);
});

test("what names its tool before a call is known by that, unless others than tools have the name", () => {
  const addressed = { ...facts, toolSyntax: syntaxNamed("addressed") };
  const [f, user] = ["f", "user"].map((name) => ({ ...tools[0]!, name }));
  const beginningsOf = (...named: ToolUse["tools"]) => {
    const toolUse = { tools: named, choice: "auto" as const, parallel: false };
    const { constraint } = resolveTools({ prompts, toolUse }, addressed);
    return constraint?.grammar?.begins?.after.map(({ text }) => text);
  };
  assert.deepEqual(beginningsOf(f!, user!), [
    " to=f<|message|>",
    ' to=user<|message|><calls>\n<invoke name="',
  ]);
  const required = (...named: ToolUse["tools"]) => {
    const toolUse = { tools: named, choice: "required" as const, parallel: false };
    return resolveTools({ prompts, toolUse }, addressed).constraint?.prefix;
  };
  assert.equal(required(f!), ' to=f<|message|><calls>\n<invoke name="');
  assert.equal(required(f!, user!), " to=");
});

test("a tool whose arguments are no object is refused, with every choice", () => {
  const list = { name: "f", parameters: { type: "array" }, field: "tools[0].function.parameters" };
  for (const choice of ["auto", "required", "none"] as const) {
    assert.throws(() => resolved(choice, { tools: [list] }), {
      message: /^Invalid 'tools\[0\]\.function\.parameters\.type'/,
    });
  }
  resolved("auto", { tools: [{ ...list, parameters: { type: ["object", "null"] } }] });
});

test("where no call may come, what calls begin with is banned", () => {
  assert.deepEqual(resolved("none").constraint, { banned: ["<tool_call>"] });
});

test("a format beside tools is the other thing that an answer may be", () => {
  const language = { kind: "text", text: "yes" } as const;
  const toolUse: ToolUse = { tools, choice: "auto", parallel: false };
  const { constraint } = resolveTools(
    { prompts, toolUse, constraint: { grammar: { language } } },
    hermes,
  );
  const found = constraint?.grammar?.language;
  assert.ok(found?.kind === "either" && found.parts.includes(language));
  assert.equal(constraint?.grammar?.begins, undefined);
});

test("a template that takes no tools is given them in its messages", () => {
  const [prompt] = resolved("auto").prompts ?? [];
  assert.ok(prompt?.kind === "chat" && prompt.tools === undefined);
  assert.match(textOf(prompt.messages[0]?.content ?? ""), /^# Tools\n/);
});
