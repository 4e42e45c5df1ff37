/**
 * Answers of a form, over HTTP, as clients ask for them: from a model of noise at the highest temperature, which writes
 * nothing of the kind by itself. What ends by itself is valid, says a validator that shares nothing with the server.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import type OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { ModelServer } from "../support/model-server.ts";
import { postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";
import { sensibleSchema } from "../support/sensible-schemas.ts";

const RUNS = Number(process.env["FC_RUNS"] ?? 40);
const MESSAGES = [{ role: "user" as const, content: "Write JSON." }];
const Person = z.object({
  name: z.string().max(20),
  age: z.int().min(0).max(150),
  email: z.email().nullable(),
  tags: z.array(z.enum(["a", "b c"])).max(3),
});

function jsonSchema(schema: object) {
  return {
    type: "json_schema" as const,
    json_schema: { name: "answer", strict: true, schema: schema as Record<string, unknown> },
  };
}

suite("structured output", { timeout: 300_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let client: OpenAI;
  let model: string;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyChatModel(folder.file("tiny.gguf"));
    server = await ModelServer.ready({
      weightsPath: folder.file("tiny.gguf"),
      engine: { slots: 4, contextTokens: 1024, threads: 1 },
    });
    client = server.client();
    model = server.modelId;
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const hot = { temperature: 2, max_tokens: 600 };

  async function answer(fields: object) {
    const { status, json } = await postJson(`${server.url}/v1/chat/completions`, {
      model,
      messages: MESSAGES,
      ...hot,
      ...fields,
    });
    return { status, ...(json as OpenAI.ChatCompletion & { error: OpenAI.ErrorObject }) };
  }

  test("the client's helper parses what it asked for, in every choice", async () => {
    const response_format = zodResponseFormat(Person, "person");
    const request = { model, messages: MESSAGES, response_format, n: 3, ...hot };
    const { choices } = await client.chat.completions.parse(request);
    assert.equal(choices.length, 3);
    for (const { message, finish_reason } of choices) {
      assert.equal(finish_reason, "stop");
      assert.ok(Person.safeParse(message.parsed).success, message.content ?? "");
    }
  });

  test("the client's streaming helper parses it as well, with log probabilities", async () => {
    const stream = client.chat.completions.stream({
      model,
      messages: MESSAGES,
      response_format: zodResponseFormat(Person, "person"),
      logprobs: true,
      top_logprobs: 2,
      ...hot,
    });
    const { choices } = await stream.finalChatCompletion();
    const [choice] = choices;
    assert.ok(Person.safeParse(choice?.message.parsed).success);
    const tokens = choice?.logprobs?.content ?? [];
    const bytes = tokens.flatMap((token) => token.bytes ?? []);
    assert.equal(Buffer.from(bytes).toString(), choice?.message.content);
    assert.ok(tokens.every(({ logprob }) => logprob <= 0));
  });

  test("whatever a schema says, what ends by itself is valid", async () => {
    const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 9, logger: false });
    // Its types describe its CommonJS form.
    (addFormats as unknown as { default: (ajv: Ajv2020) => void }).default(ajv);
    let ended = 0;
    await fc.assert(
      fc.asyncProperty(sensibleSchema, fc.nat(), fc.boolean(), async (schema, seed, logprobs) => {
        const body = { response_format: jsonSchema(schema), seed, logprobs, n: 2 };
        const { status, choices, error } = await answer(body);
        assert.equal(status, 200, JSON.stringify(error));
        const validate = ajv.compile(schema);
        for (const { message, finish_reason } of choices) {
          if (finish_reason !== "stop") continue;
          ended += 1;
          assert.ok(validate(JSON.parse(message.content ?? "")), message.content ?? "");
        }
      }),
      { numRuns: RUNS },
    );
    assert.ok(ended > RUNS, `only ${ended} answers ended`);
  });

  test("any object is an object", async () => {
    const request = { response_format: { type: "json_object" }, max_tokens: 900, n: 4 };
    const { choices } = await answer(request);
    const ended = choices.filter(({ finish_reason }) => finish_reason === "stop");
    for (const { message } of ended) {
      const value: unknown = JSON.parse(message.content ?? "");
      assert.ok(typeof value === "object" && value !== null && !Array.isArray(value));
    }
    for (const { message } of choices) assert.match(message.content ?? "", /^\{/);
  });

  test("an answer that is cut says so, and is not closed", async () => {
    const schema = { type: "array", items: { type: "integer" }, minItems: 100 };
    const { choices, usage } = await answer({
      response_format: jsonSchema(schema),
      max_tokens: 20,
    });
    assert.equal(choices[0]?.finish_reason, "length");
    assert.equal(usage?.completion_tokens, 20);
    assert.throws(() => JSON.parse(choices[0]?.message.content ?? "") as unknown);
  });

  for (const [name, fields, expected] of [
    ["vLLM's choice", { guided_choice: ["yes", "no"] }, /^(yes|no)$/],
    ["vLLM's pattern", { structured_outputs: { regex: "[A-F]{2}-\\d{3}" } }, /^[A-F]{2}-\d{3}$/],
    ["vLLM's schema", { guided_json: '{"const": [1, "a"]}' }, /^\[1, "a"\]$/],
    ["llama-server's grammar", { grammar: 'root ::= "<" [é-í]{3} ">"' }, /^<[é-í]{3}>$/],
    ["llama-server's schema", { json_schema: { enum: ["x y", null] } }, /^("x y"|null)$/],
    ["Ollama's format", { format: { type: "boolean" } }, /^(true|false)$/],
  ] as const) {
    test(`${name} is held to, in chats and completions`, async () => {
      const { choices } = await answer(fields);
      assert.match(choices[0]?.message.content ?? "", expected);
      const { json } = await postJson(`${server.url}/v1/completions`, {
        model,
        prompt: "Say it: ",
        ...hot,
        ...fields,
      });
      const [choice] = (json as OpenAI.Completion).choices;
      assert.match(choice?.text ?? "", expected);
      assert.equal(choice?.finish_reason, "stop");
    });
  }

  for (const [name, fields, param] of [
    [
      "a pattern with a back reference",
      { response_format: jsonSchema({ properties: { x: { type: "string", pattern: "(a)\\1" } } }) },
      "response_format.json_schema.schema.properties.x.pattern",
    ],
    [
      "a reference to nowhere",
      { guided_json: { items: { $ref: "#/$defs/none" } } },
      "guided_json.items.$ref",
    ],
    ["a type that is none", { format: { type: "text" } }, "format.type"],
    ["a pattern with bad syntax", { guided_regex: "(" }, "guided_regex"],
    ["a grammar that goes on for ever", { grammar: 'root ::= root "a"' }, "grammar"],
    [
      "a grammar of a hundred thousand groups",
      { grammar: `root ::= ${"(".repeat(1e5)}` },
      "grammar",
    ],
  ] as const) {
    test(`${name} is refused by its path, streaming or not`, async () => {
      for (const stream of [false, true]) {
        const { status, error } = await answer({ ...fields, stream });
        assert.equal(status, 400);
        assert.equal(error.param, param);
      }
    });
  }

  test("costly schemas hold nobody up", async () => {
    const costly = {
      type: "object",
      properties: Object.fromEntries(
        Array.from({ length: 2000 }, (_, index) => [
          `member${index}`,
          { pattern: `a{1,9}b${index}` },
        ]),
      ),
      minProperties: 1000,
    };
    const compiling = answer({ response_format: jsonSchema(costly), max_tokens: 5 });
    const { choices } = await answer({ max_tokens: 5 });
    assert.equal(choices.length, 1);
    assert.ok([200, 400].includes((await compiling).status));
  });
});
