/** The commands of docs/tools.md, sent to a model that knows nothing of tools: what they promise holds for every model. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type OpenAI from "openai";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";

test("the documented requests are answered by calls with valid arguments", async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  await writeTinyChatModel(folder.file("tiny.gguf"));
  await using server = await ModelServer.ready({
    weightsPath: folder.file("tiny.gguf"),
    aliases: ["smollm2-135m"],
    engine: { contextTokens: 2048 },
  });
  const commands = (await commandsOf("docs/tools.md")).filter((one) => isRunBy(one, SELF));
  const checks = [assertWeatherCall, assertSwitchCall];
  assert.equal(commands.length, checks.length);
  for (const [index, { text }] of commands.entries()) {
    assert.ok(text.includes(DOCUMENTED_URL));
    const script = text.replaceAll(DOCUMENTED_URL, server.url);
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script]);
    const [choice] = (JSON.parse(stdout) as OpenAI.ChatCompletion).choices;
    assert.equal(choice?.finish_reason, "tool_calls", stdout);
    checks[index]?.(choice.message.tool_calls?.[0], stdout);
  }
});

type Call = OpenAI.ChatCompletionMessageToolCall | undefined;

function assertWeatherCall(call: Call, answer: string): void {
  assert.ok(call?.type === "function" && call.function.name === "get_weather", answer);
  const args = JSON.parse(call.function.arguments) as { city: unknown; unit: string };
  assert.deepEqual(Object.keys(args), ["city", "unit"]);
  assert.equal(typeof args.city, "string");
  assert.ok(["celsius", "fahrenheit"].includes(args.unit));
}

function assertSwitchCall(call: Call, answer: string): void {
  assert.ok(call?.type === "custom" && call.custom.name === "switch", answer);
  const room = "(?:kitchen|hall|room [1-9][0-9]?)";
  assert.match(call.custom.input, new RegExp(`^(?:on|off) ${room}(?:, ${room}){0,2}$`));
}
