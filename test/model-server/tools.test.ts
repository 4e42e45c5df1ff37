/**
 * Tools on real servers with tiny models: what is demanded is obeyed, whatever the weights would rather say. They are noise,
 * so nothing here is obeyed by chance.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type OpenAI from "openai";
import { ajv } from "../support/ajv.ts";
import { ModelServer } from "../support/model-server.ts";
import { type FunctionTool, randomTools } from "../support/random-tools.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const TOOL_SETS = Number(process.env["TOOLS_SETS"] ?? 10);
const SEED = Number(process.env["TOOLS_SEED"] ?? 1);

const TURNS = `{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor -%}
<|im_start|>assistant
`;

/** Templates of nobody's family, whose calls are `written` so: how, the server finds out by itself. */
function invented(written: string): string {
  return `{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}{% for m in messages -%}
<|im_start|>{{ m.role }}
{{ m.content or '' }}{% for call in m.tool_calls or [] %}${written}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;
}

/** Every way to write a call, and templates that know nothing of tools. */
const MODELS: Readonly<Record<string, Parameters<typeof writeTinyChatModel>[1]>> = {
  generic: {},
  hermes: { chatTemplate: `{{ tools | tojson }}<tool_call>${TURNS}`, userDefined: ["<tool_call>"] },
  mistral: { chatTemplate: `{{ tools | tojson }}[TOOL_CALLS]${TURNS}`, control: ["[TOOL_CALLS]"] },
  "mistral-args": {
    chatTemplate: `{{ tools | tojson }}[TOOL_CALLS][ARGS]${TURNS}`,
    control: ["[TOOL_CALLS]", "[ARGS]"],
  },
  "qwen3-coder": {
    chatTemplate: `{{ tools | tojson }}<tool_call><function=<parameter=${TURNS}`,
    userDefined: ["<tool_call>", "</tool_call>"],
  },
  kimi: {
    chatTemplate: `{{ tools | tojson }}<|tool_calls_section_begin|><|tool_call_argument_begin|>${TURNS}`,
    control: [
      "<|tool_calls_section_begin|>",
      "<|tool_calls_section_end|>",
      "<|tool_call_begin|>",
      "<|tool_call_argument_begin|>",
      "<|tool_call_end|>",
    ],
  },
  "a template of its own, in JSON": {
    chatTemplate: invented(
      "<use>{{ call.function.name }}</use><with>{{ call.function.arguments | tojson }}</with>",
    ),
  },
  "a template of its own, argument by argument": {
    chatTemplate: invented(`[DO] {{ call.function.name }}:
{% for key, value in call.function.arguments | items %}- {{ key }} = {{ value | tojson }};
{% endfor %}[DONE]`),
    control: ["[DO]", "[DONE]"],
  },
  "a template of its own, in messages to the tools": {
    chatTemplate: invented(` to={{ call.function.name }}<|message|><do {{ call.function.name }}>
{% for key, value in call.function.arguments | items %}<with {{ key }}>{{ value if value is string else value | tojson }}</with>
{% endfor %}</do>{% if not loop.last %}<|im_start|>assistant{% endif %}`),
    control: ["<|message|>"],
  },
  llama: {
    chatTemplate: `{{ tools | tojson }}"parameters": <|start_header_id|>${TURNS}`,
  },
};

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "Hi" }];

type Call = { readonly name: string; readonly arguments: string };
type Answer = {
  readonly content: string | null;
  readonly calls: readonly Call[];
  readonly reason: string | null;
};
type Body = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "model" | "messages" | "stream">;

for (const [family, options] of Object.entries(MODELS)) {
  describe(`a model that calls tools as ${family}`, () => {
    let folder: TemporaryFolder;
    let server: ModelServer;
    before(async () => {
      folder = await TemporaryFolder.create();
      await writeTinyChatModel(folder.file("tiny.gguf"), options);
      server = await ModelServer.ready({
        weightsPath: folder.file("tiny.gguf"),
        engine: { slots: 4, contextTokens: 4096 },
      });
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    if (family.startsWith("a template of its own")) {
      test("how it writes calls is found when it is loaded", () => {
        const { state } = server;
        assert.ok(state.state === "ready");
        assert.equal(state.model.toolSyntax?.name, "derived");
      });
    }

    async function ask(body: Body, stream: boolean): Promise<Answer[]> {
      const { chat } = server.client();
      const asked = { model: server.modelId, messages, ...body };
      const completion = stream
        ? await chat.completions.stream(asked).finalChatCompletion()
        : await chat.completions.create(asked);
      return completion.choices.map(({ message, finish_reason }) => ({
        content: message.content,
        calls: (message.tool_calls ?? []).map((call) => {
          assert.ok(call.type === "function" && call.id !== "");
          return call.function;
        }),
        reason: finish_reason,
      }));
    }

    test("required and named tools are called, with valid arguments, and none are not", async () => {
      const random = seededRandom(SEED);
      for (let set = 0; set < TOOL_SETS; set++) {
        const tools = randomTools(random);
        const stream = random() < 0.5;
        const body: Body = {
          tools,
          temperature: random() * 2,
          seed: set,
          max_completion_tokens: 1500,
          parallel_tool_calls: false,
          n: random() < 0.2 ? 2 : 1,
          // A call has them all.
          ...(random() < 0.3 && { stop: ["\n", "{", '"'] }),
        };
        for (const answer of await ask({ ...body, tool_choice: "required" }, stream)) {
          assertCalls(answer, tools);
        }
        const { name } = tools[Math.floor(random() * tools.length)]?.function ?? { name: "" };
        const choice = { type: "function" as const, function: { name } };
        for (const answer of await ask({ ...body, tool_choice: choice }, stream)) {
          assertCalls(answer, tools);
          assert.deepEqual(
            answer.calls.map((call) => call.name),
            [name],
          );
        }
        const limit = { max_completion_tokens: 40 };
        for (const answer of await ask({ ...body, ...limit, tool_choice: "none" }, stream)) {
          assert.deepEqual(answer.calls, []);
        }
      }
    });

    test("a tool whose arguments cannot be guaranteed is refused by the path of what is to blame", async () => {
      const [fine] = randomTools(seededRandom(SEED));
      const bad = { type: "object", properties: { x: { $ref: "#/nowhere" } } };
      const tools = [fine, { type: "function", function: { name: "bad", parameters: bad } }];
      const refused = ask({ tools: tools as FunctionTool[] }, false);
      const param = "tools[1].function.parameters.properties.x.$ref";
      await assert.rejects(refused, { status: 400, param });
    });

    test("a call that the limit cuts off ends with its arguments as far as they came", async () => {
      const tools = [textTool()];
      const body: Body = {
        tools,
        tool_choice: "required",
        temperature: 0,
        max_completion_tokens: 200,
      };
      const opening = '{"text": "';
      for (const most of [40, 60, 100]) {
        const [cut] = await ask({ ...body, max_completion_tokens: most }, most === 60);
        const args = cut?.calls[0]?.arguments ?? "";
        assert.equal(cut?.reason, "length");
        assert.ok(args.startsWith(opening) || opening.startsWith(args), args);
        assert.ok(!args.endsWith('"}'), args);
      }
    });
  });
}

function textTool(): FunctionTool {
  const parameters = {
    type: "object",
    properties: { text: { type: "string", minLength: 300 } },
    required: ["text"],
  };
  return { type: "function", function: { name: "write", parameters } };
}

function assertCalls({ calls, content, reason }: Answer, tools: readonly FunctionTool[]): void {
  const told = JSON.stringify({ calls, content, reason, tools });
  assert.equal(calls.length, 1, told);
  assert.equal(content ?? "", "", told);
  assert.equal(reason, "tool_calls", told);
  for (const call of calls) {
    const tool = tools.find(({ function: { name } }) => name === call.name);
    assert.ok(tool !== undefined, told);
    const validate = ajv.compile(tool.function.parameters ?? { type: "object", maxProperties: 0 });
    assert.ok(validate(JSON.parse(call.arguments)), told);
  }
}
