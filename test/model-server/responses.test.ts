/** Responses from a real server with a tiny model: what is kept, cut, thought and demanded, whatever noise the weights say. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { BadRequestError } from "openai";
import type OpenAI from "openai";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const model = "test-model";
const CONTEXT_TOKENS = 1024;

const THINKING = `{% for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% endif %}`;

async function start(folder: TemporaryFolder, chatTemplate?: string): Promise<ModelServer> {
  const weightsPath = folder.file(chatTemplate === undefined ? "tiny.gguf" : "thinking.gguf");
  await writeTinyChatModel(weightsPath, chatTemplate === undefined ? {} : { chatTemplate });
  return ModelServer.ready({ weightsPath, engine: { slots: 2, contextTokens: CONTEXT_TOKENS } });
}

function turn(index: number): OpenAI.Responses.EasyInputMessage {
  const role = index % 2 === 0 ? "user" : "assistant";
  return { role, content: `${index} ${"word ".repeat(40)}` };
}

suite("responses of a real model", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  before(async () => {
    folder = await TemporaryFolder.create();
    server = await start(folder);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const long = Array.from({ length: 41 }, (_, index) => turn(index));

  test("what does not fit is refused, unless its oldest items may go", async () => {
    const { responses } = server.client();
    const asked = { model, input: long, instructions: "Stay.", max_output_tokens: 2 };
    await assert.rejects(responses.create(asked), (thrown: unknown) => {
      assert.ok(thrown instanceof BadRequestError);
      assert.deepEqual([thrown.code, thrown.param], ["context_length_exceeded", "input"]);
      return true;
    });
    const { usage, truncation } = await responses.create({ ...asked, truncation: "auto" });
    assert.equal(truncation, "auto");
    const tokens = usage?.input_tokens ?? 0;
    // One more turn would not have fitted.
    const one = await responses.create({ model, input: [turn(0)], max_output_tokens: 1 });
    const oneMore = tokens + (one.usage?.input_tokens ?? 0);
    assert.ok(tokens < CONTEXT_TOKENS && oneMore >= CONTEXT_TOKENS, `${tokens}`);
  });

  test("what was said before is part of the prompt, and needs no second evaluation", async () => {
    const body = { model, input: "word ".repeat(60), max_output_tokens: 4, temperature: 0 };
    const first = await server.client().responses.create(body);
    const earlier = JSON.stringify([{ role: "user", content: body.input }, ...first.output]);
    const following = JSON.stringify({ ...body, input: "And?", previous_response_id: first.id });
    const answered = await fetch(`${server.url}/v1/responses`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-localmodel-earlier-bytes": String(Buffer.byteLength(earlier)),
      },
      body: earlier + following,
    });
    const second = (await answered.json()) as OpenAI.Responses.Response & { store: boolean };
    assert.equal(answered.status, 200, JSON.stringify(second));
    assert.deepEqual([second.previous_response_id, second.store], [first.id, true]);
    const tokensBefore = first.usage?.input_tokens ?? Infinity;
    assert.ok((second.usage?.input_tokens ?? 0) > tokensBefore);
    assert.ok((second.usage?.input_tokens_details.cached_tokens ?? 0) >= tokensBefore - 4);
  });

  test("a header that says more than there is, is a 400", async () => {
    for (const bytes of ["999", "-1", "x", "2"]) {
      const { status } = await fetch(`${server.url}/v1/responses`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-localmodel-earlier-bytes": bytes },
        body: '{}{"input":"x"}',
      });
      assert.equal(status, 400, bytes);
    }
  });

  test("what is demanded is called, and what is to be JSON is", async () => {
    const { responses } = server.client();
    const parameters = {
      type: "object",
      properties: { unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["unit"],
      additionalProperties: false,
    };
    const called = await responses.create({
      model,
      input: "Weather?",
      tools: [{ type: "function", name: "weather", parameters, strict: true }],
      tool_choice: { type: "function", name: "weather" },
      max_output_tokens: 200,
      temperature: 0,
    });
    const [call] = called.output;
    assert.ok(
      call?.type === "function_call" && call.name === "weather",
      JSON.stringify(called.output),
    );
    assert.deepEqual(Object.keys(JSON.parse(call.arguments) as object), ["unit"]);
    const { output_text } = await responses.create({
      model,
      input: "Weather?",
      text: { format: { type: "json_schema", name: "weather", schema: parameters } },
      max_output_tokens: 200,
      temperature: 0,
    });
    assert.deepEqual(Object.keys(JSON.parse(output_text) as object), ["unit"]);
  });

  test("what cannot be guaranteed is named by its path", async () => {
    const schema = { properties: { a: { type: "string", pattern: "(b)\\1" } } };
    const asked = server.client().responses.create({
      model,
      input: "x",
      text: { format: { type: "json_schema", name: "n", schema } },
    });
    await assert.rejects(asked, { param: "text.format.schema.properties.a.pattern" });
  });

  test("what is thought is an item of its own, in a stream as in one piece", async () => {
    await using thinking = await start(folder, THINKING);
    const { responses } = thinking.client();
    const body = {
      model,
      input: "Well?",
      seed: 7,
      reasoning_budget: 8,
      max_output_tokens: 60,
      text: { format: { type: "json_object" as const } },
    };
    const whole = await responses.create(body);
    assert.deepEqual(
      whole.output.map(({ type }) => type),
      ["reasoning", "message"],
    );
    assert.ok((whole.usage?.output_tokens_details.reasoning_tokens ?? 0) > 0);
    const events = await Array.fromAsync(await responses.create({ ...body, stream: true }));
    const thought = events.flatMap((event) =>
      event.type === "response.reasoning_text.delta" ? [event.delta] : [],
    );
    const [reasoning] = whole.output;
    assert.ok(reasoning?.type === "reasoning");
    assert.equal(thought.join(""), reasoning.content?.[0]?.text);
  });
});
