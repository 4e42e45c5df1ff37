/** What Codex sends with every turn, and gives back with the next one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import { responsesWire } from "./responses-wire.ts";

const parameters = { type: "object", properties: { cmd: { type: "string" } }, required: ["cmd"] };
const functionTool = (name: string) => ({
  type: "function",
  name,
  description: `What ${name} does.`,
  strict: false,
  parameters,
});
const agents = {
  type: "namespace",
  name: "agents",
  description: "Other agents.",
  tools: [functionTool("close"), { type: "custom", name: "tell" }],
};
const turn = {
  model: "m",
  instructions: "You edit code.",
  input: [
    {
      type: "message",
      id: "msg_1",
      role: "developer",
      content: [{ type: "input_text", text: "Be careful." }],
    },
    { type: "message", role: "user", content: [{ type: "input_text", text: "List the files." }] },
  ],
  tools: [functionTool("exec_command"), agents],
  tool_choice: "auto",
  parallel_tool_calls: true,
  reasoning: { summary: "auto" },
  store: false,
  stream: true,
  include: ["reasoning.encrypted_content"],
  prompt_cache_key: "0123",
  text: { verbosity: "medium" },
  client_metadata: { turn_id: "0123" },
};

const head = { id: "resp_0123", created: 1, model: "m", fingerprint: "fp_1" };
const calls: readonly GenerateEvent[] = [
  { type: "tool_call", choice: 0, call: 0, id: "call_1", name: "agents__close" },
  { type: "tool_arguments", choice: 0, call: 0, text: "{}" },
  { type: "tool_call", choice: 0, call: 1, id: "call_2", name: "agents__tell" },
  { type: "tool_arguments", choice: 0, call: 1, text: '{"input":"Hi"}' },
  { type: "tool_call", choice: 0, call: 2, id: "call_3", name: "exec_command" },
  { type: "tool_arguments", choice: 0, call: 2, text: "{}" },
  { type: "finish", choice: 0, reason: "tool_calls" },
];

function outputOf(body: object): readonly Record<string, unknown>[] {
  const { answer } = responsesWire.understand(body);
  return (answer(head, calls) as { output: Record<string, unknown>[] }).output;
}

test("tools of a namespace are told to the model by both names", () => {
  const { ask, ignored } = responsesWire.understand(turn);
  assert.deepEqual(
    ask.toolUse?.tools.map(({ name, field }) => [name, field]),
    [
      ["exec_command", "tools[0].parameters"],
      ["agents__close", "tools[1].tools[0].parameters"],
      ["agents__tell", "tools[1].tools[1].format"],
    ],
  );
  assert.ok(ask.toolUse?.parallel);
  assert.ok(!ignored.includes("tools"));
});

test("their calls have the name and the namespace that their client knows", () => {
  const output = outputOf(turn);
  assert.deepEqual(
    output.map(({ type, namespace, name }) => [type, namespace, name]),
    [
      ["function_call", "agents", "close"],
      ["custom_tool_call", "agents", "tell"],
      ["function_call", undefined, "exec_command"],
    ],
  );
});

test("a call that is given back is the one that the model made", () => {
  const output = outputOf(turn);
  const results = ["call_1", "call_2", "call_3"].map((call_id) => ({
    type: call_id === "call_2" ? "custom_tool_call_output" : "function_call_output",
    call_id,
    output: "done",
  }));
  const input = [...turn.input, ...output, ...results];
  const [prompt] = responsesWire.understand({ ...turn, input }).ask.prompts;
  assert.ok(prompt?.kind === "chat");
  const said = prompt.messages.find(({ role }) => role === "assistant");
  const made = said?.tool_calls as readonly { function: { name: string } }[];
  assert.deepEqual(
    made.map((call) => call.function.name),
    ["agents__close", "agents__tell", "exec_command"],
  );
});

test("what a tool gave without a call, as a goal is told, is a message that says whose it is", () => {
  const goal = { type: "function_call_output", name: "goal", namespace: "agent", output: "Tidy." };
  const input = [{ role: "user", content: "Hi" }, goal, { ...goal, name: null, namespace: null }];
  const [prompt] = responsesWire.understand({ ...turn, input }).ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(prompt.messages.slice(-2), [
    { role: "user", content: "Output of agent.goal:\nTidy." },
    { role: "user", content: "Tidy." },
  ]);
  const picture = { type: "input_image", image_url: "data:image/png;base64,AAAA" };
  const shown = { ...goal, output: [picture, { type: "input_text", text: "This." }] };
  const [seen] = responsesWire.understand({ ...turn, input: [shown] }).ask.prompts;
  assert.ok(seen?.kind === "chat");
  const content = seen.messages.at(-1)?.content;
  assert.ok(Array.isArray(content));
  assert.deepEqual(content.length, 3);
  const custom = { type: "custom_tool_call_output", output: "done" };
  assert.throws(
    () => responsesWire.understand({ ...turn, input: [custom] }),
    (error) => error instanceof Failure && error.field === "input[0].call_id",
  );
});

test("a turn in which the model said nothing at all is an empty one", () => {
  const silent = { type: "message", role: "assistant", content: [] };
  const input = [{ role: "user", content: "Hi" }, silent, { role: "user", content: "Hm?" }];
  const [prompt] = responsesWire.understand({ ...turn, input }).ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(
    prompt.messages.slice(-2).map(({ role, content }) => [role, content]),
    [
      ["assistant", ""],
      ["user", "Hm?"],
    ],
  );
});

test("a name that is there twice, and a hosted tool, are refused by their places", () => {
  const twice = { ...agents, tools: [functionTool("close"), functionTool("close")] };
  for (const [tools, field] of [
    [[twice], "tools[0].tools[1].name"],
    [[{ ...agents, tools: [{ type: "web_search" }] }], "tools[0].tools[0].type"],
    [[{ type: "web_search", external_web_access: false }], "tools[0].type"],
  ] as const) {
    assert.throws(
      () => responsesWire.understand({ ...turn, tools }),
      (error) => error instanceof Failure && error.field === field,
      field,
    );
  }
});
