/**
 * What a model thinks apart from what it answers, over HTTP: from models of noise, which think what comes, within a
 * budget, and answer what they are held to.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type OpenAI from "openai";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SAID = `{% for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
`;

/** How templates let a model think: all that the server knows of it, it finds there. */
const MODELS = {
  "that begins to think in the prompt, unless told not to": {
    chatTemplate: `${SAID}<think>
{% if enable_thinking is false %}
</think>

{% endif %}{% endif %}`,
  },
  "that always begins to think in the prompt": { chatTemplate: `${SAID}<think>\n{% endif %}` },
  "that begins to think by itself": { chatTemplate: `${SAID}{% endif %}` },
  "that thinks between control tokens": {
    control: ["[THINK]", "[/THINK]"],
    chatTemplate: `${SAID.replaceAll("<think>", "[THINK]").replaceAll("</think>", "[/THINK]")}[THINK]{% endif %}`,
  },
  "that thinks in a channel": {
    control: ["<|start|>", "<|channel|>", "<|message|>", "<|end|>"],
    chatTemplate: `{% for m in messages %}<|start|>{{ m.role }}<|message|>
{%- if m.thinking %}<|channel|>analysis<|message|>{{ m.thinking }}<|end|>{% endif %}{{ m.content }}<|end|>
{%- endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}`,
  },
} as const;

const BUDGET = 24;
const ASKED = {
  messages: [{ role: "user" as const, content: "Well?" }],
  temperature: 1,
  seed: 7,
  max_tokens: 200,
};

type Message = OpenAI.ChatCompletionMessage & {
  readonly reasoning_content?: string;
  readonly reasoning?: string;
};

for (const [what, options] of Object.entries(MODELS)) {
  suite(`a model ${what}`, { timeout: 240_000 }, () => {
    let folder: TemporaryFolder;
    let server: ModelServer;
    before(async () => {
      folder = await TemporaryFolder.create();
      await writeTinyChatModel(folder.file("tiny.gguf"), options);
      server = await ModelServer.ready({
        weightsPath: folder.file("tiny.gguf"),
        engine: { slots: 2, contextTokens: 2048, threads: 1 },
      });
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    async function answer(fields: object) {
      const url = `${server.url}/v1/chat/completions`;
      const { status, json } = await postJson(url, { model: server.modelId, ...ASKED, ...fields });
      assert.equal(status, 200, JSON.stringify(json));
      const { choices, usage } = json as OpenAI.ChatCompletion;
      const message = choices[0]?.message as Message;
      return { message, tokens: usage?.completion_tokens_details?.reasoning_tokens ?? -1, usage };
    }

    const held = { guided_choice: ["Yes.", "No way."] };

    test("thinks within its budget, apart from an answer that is what it has to be", async () => {
      const { message, tokens, usage } = await answer({ ...held, reasoning_budget: BUDGET });
      assert.match(message.content ?? "", /^(?:Yes\.|No way\.)$/);
      assert.notEqual(message.reasoning_content ?? "", "");
      assert.equal(message.reasoning, message.reasoning_content);
      assert.ok(tokens > 0 && tokens < (usage?.completion_tokens ?? 0), `${tokens} tokens`);
    });

    test("streams the same to the client", async () => {
      const fields = { ...held, reasoning_budget: BUDGET };
      const { message } = await answer(fields);
      const stream = await server.client().chat.completions.create({
        model: server.modelId,
        ...ASKED,
        ...fields,
        stream: true,
      });
      const said = { content: "", reasoning_content: "", reasoning: "" };
      for await (const { choices } of stream) {
        const delta = choices[0]?.delta as Partial<typeof said>;
        for (const key of ["content", "reasoning_content", "reasoning"] as const) {
          said[key] += delta?.[key] ?? "";
        }
      }
      const { content, reasoning_content, reasoning } = message;
      assert.deepEqual(said, { content, reasoning_content, reasoning });
    });

    test("is not ended by a stop string that it thinks, and ends at one that it says", async () => {
      const asked = { ...held, reasoning_budget: BUDGET };
      const { message } = await answer(asked);
      const { content, reasoning_content: thought = "" } = message;
      const thoughtWord = /\w{2}/.exec(thought.replaceAll(/Ye|es|No|wa|ay/g, "."))?.[0] ?? thought;
      const { message: again } = await answer({ ...asked, stop: [thoughtWord, "."] });
      assert.equal(again.reasoning_content, thought);
      assert.equal(`${again.content}.`, content);
    });

    const TOOLS = ["get_weather", "get_time"].map((name) => ({
      type: "function",
      function: {
        name,
        parameters: {
          type: "object",
          properties: {
            city: { enum: ["Rome", "Oslo"] },
            days: { type: "integer", minimum: 0, maximum: 9 },
          },
          required: ["city"],
        },
      },
    }));
    const ofGetTime = { type: "function", function: { name: "get_time" } };

    for (const tool_choice of ["required", ofGetTime]) {
      test(`thinks, and then calls what ${JSON.stringify(tool_choice)} demands`, async () => {
        const { message, tokens } = await answer({
          tools: TOOLS,
          tool_choice,
          reasoning_budget: BUDGET,
        });
        assertCalled(
          message,
          tool_choice === "required" ? ["get_weather", "get_time"] : ["get_time"],
        );
        // Calls in channels are in one of their own, which they begin with.
        if (what.includes("channel")) return;
        assert.notEqual(message.reasoning_content ?? "", "");
        assert.ok(tokens > 0);
      });
    }

    test("calls a tool at once where it is not to think", async () => {
      const off = { tools: TOOLS, tool_choice: ofGetTime, enable_thinking: false };
      const { message } = await answer(off);
      assertCalled(message, ["get_time"]);
      assert.equal(message.reasoning_content, undefined);
    });

    test("thinks, and then answers in words where no tool may be called", async () => {
      const asked = { ...held, tools: TOOLS, tool_choice: "none", reasoning_budget: BUDGET };
      const { message } = await answer(asked);
      assert.match(message.content ?? "", /^(?:Yes\.|No way\.)$/);
      assert.equal(message.tool_calls, undefined);
      assert.notEqual(message.reasoning_content ?? "", "");
    });

    for (const off of [
      { reasoning_effort: "none" },
      { enable_thinking: false },
      { chat_template_kwargs: { enable_thinking: false } },
      { reasoning_budget: 0 },
    ]) {
      test(`does not think with ${JSON.stringify(off)}`, async () => {
        const { message } = await answer({ ...held, ...off });
        assert.match(message.content ?? "", /^(?:Yes\.|No way\.)$/);
        assert.equal(message.reasoning_content, undefined);
      });
    }
  });
}

function assertCalled(
  { content, tool_calls: calls = [] }: Message,
  names: readonly string[],
): void {
  assert.equal(content ?? "", "");
  const [call] = calls;
  assert.ok(calls.length === 1 && call?.type === "function" && names.includes(call.function.name));
  const { city, days = 0 } = JSON.parse(call.function.arguments) as { city: string; days?: number };
  assert.ok(["Rome", "Oslo"].includes(city) && Number.isInteger(days) && days <= 9);
}
