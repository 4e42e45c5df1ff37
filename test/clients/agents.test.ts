/**
 * OpenAI's Agents SDK for JavaScript, unmodified, through the API service to a model that has learned nothing: what it calls
 * is demanded of it, and what it answers has a form, so that every path is gone and comes to an end.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Agent, OpenAIResponsesModel, run, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";
import { ApiProcess } from "../support/api-process.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const modelSettings = { temperature: 0, maxTokens: 60 };
const demanding = { ...modelSettings, toolChoice: "required", parallelToolCalls: false } as const;
const City = z.object({ city: z.enum(["Paris", "Rome"]) });

/** A tool, and what it has been asked. */
function weather() {
  const asked: string[] = [];
  const getWeather = tool({
    name: "get_weather",
    description: "The weather of a city.",
    parameters: City,
    execute: ({ city }) => {
      asked.push(city);
      return "sunny";
    },
  });
  return { asked, getWeather };
}

suite("the Agents SDK for JavaScript", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let api: ApiProcess;
  let model: OpenAIResponsesModel;
  before(async () => {
    setTracingDisabled(true);
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("tiny.gguf"));
    const engine = { contextTokens: 4096, slots: 2 };
    server = await ModelServer.ready({
      weightsPath: folder.file("tiny.gguf"),
      modelId: "m",
      engine,
    });
    api = await ApiProcess.start({ models: [{ id: "m", endpoints: [server.url] }] });
    const client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: "any", maxRetries: 0 });
    model = new OpenAIResponsesModel(client, "m");
  });
  after(async () => {
    await api.stop();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("answers, and goes on with an answer that is kept", async () => {
    const agent = new Agent({
      name: "Assistant",
      instructions: "Name a city.",
      model,
      modelSettings,
      outputType: City,
    });
    const first = await run(agent, "Hi");
    assert.ok(first.lastResponseId !== undefined);
    assert.ok(["Paris", "Rome"].includes(first.finalOutput?.city ?? ""));
    const second = await run(agent, "And?", { previousResponseId: first.lastResponseId });
    const tokens = [first, second].map(
      ({ rawResponses }) => rawResponses[0]?.usage.inputTokens ?? 0,
    );
    const [alone = 0, following = 0] = tokens;
    assert.ok(alone > 0 && following > alone);
  });

  test("calls a tool with arguments of its schema, and takes what it returns", async () => {
    const { asked, getWeather } = weather();
    const agent = new Agent({
      name: "Weather",
      instructions: "Say the weather.",
      model,
      modelSettings: demanding,
      tools: [getWeather],
      toolUseBehavior: "stop_on_first_tool",
    });
    const { history, finalOutput } = await run(agent, "In Paris?");
    assert.equal(asked.length, 1);
    assert.equal(finalOutput, "sunny");
    const kinds = history.map((item) => ("type" in item ? item.type : "message"));
    assert.ok(kinds.includes("function_call") && kinds.includes("function_call_result"));
    // All of it is sent again, item by item.
    await run(agent, [...history, { role: "user", content: "And in Rome?" }]);
    assert.equal(asked.length, 2);
  });

  test("hands over to another agent, who answers", async () => {
    const spanish = new Agent({
      name: "Spanish",
      instructions: "Answer in Spanish.",
      model,
      modelSettings,
      outputType: City,
    });
    const triage = new Agent({
      name: "Triage",
      instructions: "Hand over.",
      model,
      modelSettings: demanding,
      handoffs: [spanish],
    });
    const { lastAgent } = await run(triage, "Hola");
    assert.equal(lastAgent?.name, "Spanish");
  });

  test("streams what is called and said", async () => {
    const { asked, getWeather } = weather();
    const agent = new Agent({
      name: "Weather",
      instructions: "Say the weather.",
      model,
      modelSettings: demanding,
      tools: [getWeather],
      toolUseBehavior: "stop_on_first_tool",
    });
    const stream = await run(agent, "In Paris?", { stream: true });
    const kinds = new Set<string>();
    for await (const event of stream) {
      kinds.add(event.type === "run_item_stream_event" ? event.name : event.type);
    }
    await stream.completed;
    assert.equal(asked.length, 1);
    for (const kind of ["raw_model_stream_event", "tool_called", "tool_output"]) {
      assert.ok(kinds.has(kind), [...kinds].join(" "));
    }
  });
});
