import assert from "node:assert/strict";
import { test } from "node:test";
import { completedHistory } from "./history.ts";
import { toolsAsText } from "./tools-as-text.ts";
import { GENERIC } from "../syntax/families.ts";
import { syntaxNamed } from "../fixtures/syntaxes.ts";

function call(name: string, args: string, id?: string) {
  return {
    ...(id !== undefined && { id }),
    type: "function" as const,
    function: { name, arguments: args },
  };
}

test("results get the name of their tool, and calls without ids get some that results have too", () => {
  const messages = completedHistory(
    [
      {
        role: "assistant",
        content: "",
        tool_calls: [call("f", '{"a":1}', "x"), call("g", "no JSON")],
      },
      { role: "tool", content: "2" },
      { role: "tool", content: "3", tool_call_id: "x" },
      { role: "assistant", content: "", tool_calls: [call("h", "")] },
      { role: "tool", content: "4" },
      { role: "tool", content: "5", tool_call_id: "unknown" },
    ],
    { argumentsAs: "object" },
  );
  assert.deepEqual(messages, [
    {
      role: "assistant",
      content: "",
      tool_calls: [
        { id: "x", type: "function", function: { name: "f", arguments: { a: 1 } } },
        { id: "call_2", type: "function", function: { name: "g", arguments: "no JSON" } },
      ],
    },
    { role: "tool", content: "2", tool_call_id: "x", name: "f" },
    { role: "tool", content: "3", tool_call_id: "x" },
    {
      role: "assistant",
      content: "",
      tool_calls: [{ id: "call_3", type: "function", function: { name: "h", arguments: {} } }],
    },
    { role: "tool", content: "4", tool_call_id: "call_2", name: "g" },
    { role: "tool", content: "5", tool_call_id: "unknown" },
  ]);
});

function nested(levels: number): string {
  return '{"a":'.repeat(levels) + "1" + "}".repeat(levels);
}

function argumentsAsObject(text: string): unknown {
  const said = { role: "assistant" as const, content: "", tool_calls: [call("f", text)] };
  const [message] = completedHistory([said], { argumentsAs: "object" });
  return (message?.tool_calls as ReturnType<typeof call>[] | undefined)?.[0]?.function.arguments;
}

test("arguments that nest deeper than a body may stay a text", () => {
  assert.deepEqual(argumentsAsObject(nested(64)), JSON.parse(nested(64)));
  for (const levels of [65, 100_000]) {
    assert.equal(argumentsAsObject(nested(levels)), nested(levels));
  }
});

test("ids get the form that a family demands, the same for a call and its result", () => {
  const [asked, answered] = completedHistory(
    [
      {
        role: "assistant",
        content: "",
        tool_calls: [call("f", "{}", "call_of_a_server"), call("g", "{}", "abcDEF123")],
      },
      { role: "tool", content: "2", tool_call_id: "call_of_a_server" },
    ],
    { idLength: 9, argumentsAs: "text" },
  );
  const ids = ((asked?.tool_calls ?? []) as { id: string }[]).map(({ id }) => id);
  assert.match(ids[0] ?? "", /^[A-Za-z0-9]{9}$/);
  assert.equal(answered?.tool_call_id, ids[0]);
  assert.equal(answered?.name, "f");
  assert.equal(ids[1], "abcDEF123");
});

const objectCall = { type: "function", function: { name: "f", arguments: { a: 1 } } };
const definition = { type: "function", function: { name: "f", description: "", parameters: {} } };

test("a template without tools is given them as text, calls and results too", () => {
  const [system, user, assistant, results, ...rest] = toolsAsText(
    [
      { role: "system", content: "Be brief." },
      { role: "user", content: "What is 1 + 1?" },
      { role: "assistant", content: "Let me see.", tool_calls: [objectCall] },
      { role: "tool", content: "2", tool_call_id: "x" },
      { role: "tool", content: "3", tool_call_id: "y" },
    ],
    { tools: [definition], takes: { tools: false, calls: false, results: false }, syntax: GENERIC },
  );
  assert.ok(typeof system?.content === "string");
  assert.match(system.content, /^Be brief\.\n\n# Tools\n/);
  assert.ok(system.content.includes(`<tools>\n${JSON.stringify(definition)}\n</tools>`));
  assert.deepEqual(user, { role: "user", content: "What is 1 + 1?" });
  assert.deepEqual(assistant, {
    role: "assistant",
    content: 'Let me see.\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>',
  });
  assert.deepEqual(results, {
    role: "user",
    content: "<tool_response>\n2\n</tool_response>\n<tool_response>\n3\n</tool_response>",
  });
  assert.deepEqual(rest, []);
});

const asText = { tools: false, calls: false, results: false };

test("without a system message the tools are one, and without tools nothing is said of them", () => {
  const messages = [{ role: "user", content: "Hi" }];
  const told = toolsAsText(messages, { tools: [definition], takes: asText, syntax: GENERIC });
  assert.deepEqual(
    told.map(({ role }) => role),
    ["system", "user"],
  );
  assert.deepEqual(toolsAsText(messages, { tools: [], takes: asText, syntax: GENERIC }), messages);
});

test("a template that has words for tools but not for calls gets them in its family's form", () => {
  const [message] = toolsAsText([{ role: "assistant", content: "", tool_calls: [objectCall] }], {
    tools: [definition],
    takes: { ...asText, tools: true },
    syntax: syntaxNamed("granite"),
  });
  assert.equal(message?.content, '<|tool_call|>[{"name": "f", "arguments": {"a": 1}}]');
});
