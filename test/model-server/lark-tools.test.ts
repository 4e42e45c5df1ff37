/** Custom tools with Lark grammars on a real server with a tiny model, whose weights are noise: nothing is obeyed by chance. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type OpenAI from "openai";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const DEFINITION = String.raw`
start: "*** Begin" LF hunk~1..2 "*** End"
hunk: ("add" | "del"i) " \"" NAME "\"" LF ("+" /[a-z\\]{1,6}/ LF)~0..2
NAME: LETTER~1..3
%import common (LETTER, LF)
`;
/** The same as a regular expression, by hand. */
const EDIT =
  /^\*\*\* Begin\n(?:(?:add|[dD][eE][lL]) "[A-Za-z]{1,3}"\n(?:\+[a-z\\]{1,6}\n){0,2}){1,2}\*\*\* End$/;
const RECURSIVE = 'start: one\none: two\ntwo: one "a" | "b"';

const format = (definition: string) => ({ type: "grammar", syntax: "lark", definition }) as const;

function chatTool(definition: string): OpenAI.ChatCompletionCustomTool {
  const { type, ...grammar } = format(definition);
  return { type: "custom", custom: { name: "edit", format: { type, grammar } } };
}

suite("custom tools with a Lark grammar", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("tiny.gguf"), {});
    server = await ModelServer.ready({
      weightsPath: folder.file("tiny.gguf"),
      engine: { slots: 2, contextTokens: 2048, threads: 1 },
    });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  for (const stream of [false, true]) {
    test(`${stream ? "a stream of a chat" : "a chat"} calls one with a text of the grammar`, async () => {
      const { chat } = server.client();
      for (let seed = 0; seed < 5; seed++) {
        const asked = {
          model: server.modelId,
          messages: [{ role: "user" as const, content: "Hi" }],
          tools: [chatTool(DEFINITION)],
          tool_choice: "required" as const,
          temperature: 1.5,
          seed,
          max_completion_tokens: 400,
        };
        const input = stream
          ? await streamedInput(server, asked)
          : inputOf(await chat.completions.create(asked));
        assert.match(input, EDIT);
      }
    });
  }

  test("a response calls one with a text of the grammar", async () => {
    const { responses } = server.client();
    for (let index = 0; index < 5; index++) {
      const { output } = await responses.create({
        model: server.modelId,
        input: `Edit ${index}`,
        tools: [{ type: "custom", name: "edit", format: format(DEFINITION) }],
        tool_choice: "required",
        temperature: 1.5,
        max_output_tokens: 400,
      });
      const [call] = output;
      assert.ok(call?.type === "custom_tool_call" && call.name === "edit", JSON.stringify(output));
      assert.match(call.input, EDIT);
    }
  });

  test("a grammar that cannot be followed is refused with its line, at the place where it was sent", async () => {
    const { chat, responses } = server.client();
    const inChat = chat.completions.create({
      model: server.modelId,
      messages: [{ role: "user", content: "Hi" }],
      tools: [chatTool(RECURSIVE)],
    });
    await assert.rejects(inChat, {
      status: 400,
      param: "tools[0].custom.format.grammar.definition",
      message: /line [23] of the grammar: the rule (?:one|two) begins with itself/,
    });
    const inResponse = responses.create({
      model: server.modelId,
      input: "Hi",
      tools: [{ type: "custom", name: "edit", format: format('start: "a"\n  | nowhere') }],
    });
    await assert.rejects(inResponse, {
      status: 400,
      param: "tools[0].format.definition",
      message: /line 2 of the grammar uses the rule nowhere, which is not defined/,
    });
  });
});

function inputOf({ choices }: OpenAI.ChatCompletion): string {
  const [call] = choices[0]?.message.tool_calls ?? [];
  assert.ok(call?.type === "custom" && call.custom.name === "edit", JSON.stringify(choices));
  return call.custom.input;
}

/** The client's types of streams have no custom tools. */
async function streamedInput(
  server: ModelServer,
  asked: OpenAI.ChatCompletionCreateParamsNonStreaming,
): Promise<string> {
  let input = "";
  const stream = await server.client().chat.completions.create({ ...asked, stream: true });
  for await (const { choices } of stream) {
    for (const call of choices[0]?.delta.tool_calls ?? []) {
      const { custom } = call as { readonly custom?: { readonly input?: string } };
      input += custom?.input ?? "";
    }
  }
  return input;
}
