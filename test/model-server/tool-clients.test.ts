/**
 * Clients that go on by themselves after a call: OpenAI's helpers, which run what is called, and conversations in the shape
 * in which Open WebUI sends them back. The model is noise, so what is called is what is demanded.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type OpenAI from "openai";
import type { RunnableToolFunctionWithParse } from "openai/lib/RunnableFunction";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const PARAMETERS = {
  type: "object",
  properties: { city: { enum: ["Rome", "Oslo"] }, days: { type: "integer", maximum: 9 } },
  required: ["city", "days"],
};
type Args = { readonly city: string; readonly days: number };

let folder: TemporaryFolder;
let server: ModelServer;
before(async () => {
  folder = await TemporaryFolder.create();
  await writeTinyChatModel(folder.file("tiny.gguf"));
  server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    engine: { contextTokens: 4096 },
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

for (const stream of [false, true]) {
  test(`a runner calls the demanded function with its arguments, ${stream ? "streamed" : "at once"}`, async () => {
    const called: Args[] = [];
    const tool: RunnableToolFunctionWithParse<Args> = {
      type: "function",
      function: {
        name: "get_weather",
        description: "The weather in a city.",
        parameters: PARAMETERS,
        parse: (text) => JSON.parse(text) as Args,
        function: (args) => {
          called.push(args);
          return "It is sunny.";
        },
      },
    };
    const asked = {
      model: server.modelId,
      messages: [{ role: "user" as const, content: "Weather?" }],
      tool_choice: { type: "function" as const, function: { name: "get_weather" } },
    };
    const { completions } = server.client().chat;
    const runner = stream
      ? completions.runTools({ ...asked, tools: [tool], stream: true })
      : completions.runTools({ ...asked, tools: [tool] });
    assert.equal(await runner.finalFunctionToolCallResult(), "It is sunny.");
    const [args] = called;
    assert.ok(called.length === 1 && args !== undefined);
    assert.ok(["Rome", "Oslo"].includes(args.city) && Number.isInteger(args.days));
  });
}

test("a conversation comes back as Open WebUI collects it: deltas of calls, and results without text", async () => {
  const tools = [
    {
      type: "function",
      function: { name: "get_weather", description: "", parameters: PARAMETERS },
    },
  ];
  const messages: object[] = [{ role: "user", content: "Weather?" }];
  const asked = { model: server.modelId, messages, tools, stream: true as const, max_tokens: 200 };
  const calls: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
  const chunks = await server.client().chat.completions.create({
    ...(asked as OpenAI.ChatCompletionCreateParamsStreaming),
    tool_choice: "required",
  });
  for await (const { choices } of chunks) {
    for (const delta of choices[0]?.delta.tool_calls ?? []) {
      const known = calls.find(({ index }) => index === delta.index);
      if (known === undefined) calls.push(delta);
      else if (known.function) known.function.arguments += delta.function?.arguments ?? "";
    }
  }
  assert.equal(calls.length, 1);
  const again = [
    ...messages,
    { role: "assistant", content: "", tool_calls: calls },
    { role: "tool", tool_call_id: calls[0]?.id, content: "" },
  ];
  const url = `${server.url}/v1/chat/completions`;
  const body = { ...asked, stream: false, messages: again, max_tokens: 5, tool_choice: "none" };
  const { status, json } = await postJson(url, body);
  assert.equal(status, 200, JSON.stringify(json));
});
