/** The shell and the patches that OpenAI describes and clients run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import { responsesWire } from "./responses-wire.ts";

const head = { id: "resp_0123", created: 1, model: "m", fingerprint: "fp_1" };
const turn = { model: "m", input: "Do it." };

function calling(name: string, args: string, reason: "tool_calls" | "length" = "tool_calls") {
  const events: readonly GenerateEvent[] = [
    { type: "started", choice: 0, cachedTokens: 0 },
    { type: "tool_call", choice: 0, call: 0, id: "call_1", name },
    { type: "tool_arguments", choice: 0, call: 0, text: args.slice(0, 5) },
    { type: "tool_arguments", choice: 0, call: 0, text: args.slice(5) },
    { type: "finish", choice: 0, reason },
  ];
  const body = { ...turn, tools: [{ type: name }] };
  const { answer } = responsesWire.understand(body);
  const [item] = (answer(head, events) as { output: Record<string, unknown>[] }).output;
  const framesOf = responsesWire.understand({ ...body, stream: true }).stream?.(head);
  const told = events.flatMap((event) => framesOf?.(event) ?? []).slice(2);
  return { item, told: told.map(({ data }) => data as Record<string, unknown>) };
}

const base = { call_id: "call_1", status: "completed" };
const cases: readonly (readonly [name: string, args: object, item: object])[] = [
  [
    "local_shell",
    { command: ["ls", "-l"], working_directory: "/tmp" },
    {
      id: "lsh_01230000",
      type: "local_shell_call",
      action: {
        type: "exec",
        command: ["ls", "-l"],
        env: {},
        timeout_ms: null,
        user: null,
        working_directory: "/tmp",
      },
    },
  ],
  [
    "shell",
    { commands: ["ls | wc", "pwd"], timeout_ms: 1000 },
    {
      id: "sh_01230000",
      type: "shell_call",
      action: { commands: ["ls | wc", "pwd"], timeout_ms: 1000, max_output_length: null },
      environment: { type: "local" },
    },
  ],
  [
    "apply_patch",
    { type: "create_file", path: "a.txt", diff: "+a" },
    {
      id: "apc_01230000",
      type: "apply_patch_call",
      operation: { type: "create_file", path: "a.txt", diff: "+a" },
    },
  ],
  [
    "apply_patch",
    { type: "delete_file", path: "a.txt", diff: "" },
    {
      id: "apc_01230000",
      type: "apply_patch_call",
      operation: { type: "delete_file", path: "a.txt" },
    },
  ],
];

for (const [name, args, item] of cases) {
  test(`${name} ${JSON.stringify(args)} is an item of its own, in streams as a whole`, () => {
    const called = calling(name, JSON.stringify(args));
    assert.deepEqual(called.item, { ...base, ...item });
    assert.deepEqual(called.told, [
      {
        type: "response.output_item.added",
        sequence_number: 2,
        output_index: 0,
        item: { ...base, ...item, status: "in_progress" },
      },
      {
        type: "response.output_item.done",
        sequence_number: 3,
        output_index: 0,
        item: { ...base, ...item },
      },
    ]);
  });

  test(`${name} ${JSON.stringify(args)} given back is the call that the model made`, () => {
    const { item: called } = calling(name, JSON.stringify(args));
    const input = [{ role: "user", content: "Do it." }, called];
    const { ask } = responsesWire.understand({ ...turn, input });
    const [prompt] = ask.prompts;
    assert.ok(prompt?.kind === "chat");
    const made = prompt.messages.at(-1)?.["tool_calls"] as { function: { arguments: string } }[];
    assert.deepEqual(made[0]?.function, { name, arguments: made[0]?.function.arguments });
    assert.deepEqual(JSON.parse(made[0]?.function.arguments ?? ""), args);
  });
}

test("what came of a call is what the model reads", () => {
  const outputs = [
    { type: "local_shell_call_output", id: "call_1", output: "a.txt" },
    { type: "local_shell_call_output", call_id: "call_1", output: "b.txt" },
    {
      type: "shell_call_output",
      call_id: "call_1",
      max_output_length: null,
      output: [
        { stdout: "a\n", stderr: "", outcome: { type: "exit", exit_code: 0 } },
        { stdout: "", stderr: "slow", outcome: { type: "timeout" } },
      ],
    },
    { type: "apply_patch_call_output", call_id: "call_1", status: "completed" },
    { type: "apply_patch_call_output", call_id: "call_1", status: "failed", output: "no file" },
  ];
  const { ask } = responsesWire.understand({ ...turn, input: outputs });
  const [prompt] = ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(
    prompt.messages,
    ["a.txt", "b.txt", "a\n\n(exit code 0)\nslow\n(timed out)", "completed", "failed: no file"].map(
      (content) => ({ role: "tool", content, tool_call_id: "call_1" }),
    ),
  );
});

test("an answer that is cut off in a call says so", () => {
  assert.deepEqual(calling("local_shell", '{"command":["l', "length").item, {
    id: "lsh_01230000",
    type: "local_shell_call",
    call_id: "call_1",
    status: "incomplete",
    action: {
      type: "exec",
      command: [],
      env: {},
      timeout_ms: null,
      user: null,
      working_directory: null,
    },
  });
});

test("one may be demanded by its type, and is offered with what it takes", () => {
  const tools = [{ type: "shell", environment: { type: "local" } }, { type: "apply_patch" }];
  const choice = { type: "allowed_tools", mode: "required", tools: [{ type: "shell" }] };
  for (const tool_choice of [{ type: "shell" }, choice]) {
    const { toolUse } = responsesWire.understand({ ...turn, tools, tool_choice }).ask;
    assert.deepEqual([toolUse?.choice, toolUse?.among], ["required", ["shell"]]);
    assert.deepEqual(
      toolUse?.tools.map(({ name }) => name),
      ["shell", "apply_patch"],
    );
  }
});

test("a shell that this server would have to run is refused by name", () => {
  for (const [environment, param] of [
    [{ type: "container_auto" }, "tools[0].environment"],
    [{ type: "container_reference", container_id: "c" }, "tools[0].environment"],
    [{ type: "local", skills: [{ name: "s" }] }, "tools[0].environment"],
  ] as const) {
    assert.throws(
      () => responsesWire.understand({ ...turn, tools: [{ type: "shell", environment }] }),
      (thrown) => thrown instanceof Failure && thrown.field === param,
    );
  }
});
