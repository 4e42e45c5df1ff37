/** Models that think of the markers of calls before they answer: what is thought calls nothing. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type OpenAI from "openai";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { writeRecitingModel } from "../support/reciting-model.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const TEXTS = {
  mentions: "<think>Should I write <tool_call> here? No need.</think>It is noon in Rome.",
  calls: "<think>With <tool_call>, that is.</think>\n<tool_call>",
  quotes: '<think>\n<tool_call>\n{"name": "x"}\n</tool_call> or not\n</think>\n\nWell: hello you!',
} as const;

const TOOLS = [{ type: "function", function: { name: "get_time" } }];

let folder: TemporaryFolder;
let server: ModelServer;
before(async () => {
  folder = await TemporaryFolder.create();
  const weightsPath = folder.file("reciting.gguf");
  await writeRecitingModel(weightsPath, {
    texts: TEXTS,
    call: { name: "get_time", arguments: {} },
    // Its source speaks of </think>, so the model reasons.
    cue: "messages[-1].content if '</think>' else ''",
    contextLength: 4096,
  });
  server = await ModelServer.ready({ weightsPath, engine: { contextTokens: 4096, slots: 1 } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

for (const [cue, reasoning, content] of [
  ["mentions", "Should I write <tool_call> here? No need.", "It is noon in Rome."],
  ["quotes", '<tool_call>\n{"name": "x"}\n</tool_call> or not', "Well: hello you!"],
] as const) {
  test(`a model that ${cue} a call while it thinks goes on thinking, and answers`, async () => {
    const { status, json } = await postJson(`${server.url}/v1/chat/completions`, {
      model: server.modelId,
      messages: [{ role: "user", content: cue }],
      tools: TOOLS,
      temperature: 0,
      max_tokens: 120,
    });
    assert.equal(status, 200, JSON.stringify(json));
    const { message, finish_reason } = (json as OpenAI.ChatCompletion).choices[0] ?? assert.fail();
    const { reasoning_content } = message as { reasoning_content?: string };
    assert.deepEqual(
      { reasoning: reasoning_content, content: message.content, calls: message.tool_calls },
      { reasoning, content, calls: undefined },
    );
    assert.equal(finish_reason, "stop");
  });
}

test("a call behind such thoughts is one", async () => {
  const { json } = await postJson(`${server.url}/v1/chat/completions`, {
    model: server.modelId,
    messages: [{ role: "user", content: "calls" }],
    tools: TOOLS,
    temperature: 0,
    max_tokens: 120,
  });
  const { message, finish_reason } = (json as OpenAI.ChatCompletion).choices[0] ?? assert.fail();
  const { reasoning_content } = message as { reasoning_content?: string };
  assert.equal(reasoning_content, "With <tool_call>, that is.");
  const [call] = message.tool_calls ?? [];
  assert.ok(call?.type === "function" && call.function.name === "get_time");
  assert.equal(finish_reason, "tool_calls");
});
