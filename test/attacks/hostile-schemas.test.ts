/**
 * Schemas that are meant to hurt, in every field that takes one: each is refused by its place or answered with what it allows,
 * and whoever streams at the same time has every token of theirs.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type OpenAI from "openai";
import { ajv } from "../support/ajv.ts";
import { HOSTILE_SCHEMAS, type Schema } from "../support/hostile-schemas.ts";
import { ModelServer } from "../support/model-server.ts";
import { residentBytes } from "../support/process-tree.ts";
import { eventsOf, post, postJson } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

/** Of tools it says what they are for, and not their schemas: that is not what is to be read here. */
const TEMPLATE = `{% for tool in tools or [] %}<tool_call>{{ tool.function.description }}{% endfor %}{% for m in messages -%}
<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}<|im_start|>assistant
`;

type Way = {
  /** Where the schema is. */
  readonly place: string;
  /** The schema that an answer is to be valid for. */
  readonly schemaOf: (schema: Schema) => Schema;
  readonly fieldsOf: (schema: Schema) => object;
};

/** Arguments are objects: what it says is said of a member. */
function asMember({ $defs, ...schema }: Schema): Schema {
  const properties = { x: schema };
  return { type: "object", properties, required: ["x"], ...($defs !== undefined && { $defs }) };
}

const WAYS: readonly Way[] = [
  {
    place: "response_format.json_schema.schema",
    schemaOf: (schema) => schema,
    fieldsOf: (schema) => ({
      response_format: { type: "json_schema", json_schema: { name: "x", schema } },
    }),
  },
  {
    place: "tools[0].function.parameters",
    schemaOf: asMember,
    fieldsOf: (parameters) => ({
      tools: [{ type: "function", function: { name: "f", parameters } }],
      tool_choice: "required",
    }),
  },
  {
    place: "structured_outputs.json",
    schemaOf: (schema) => schema,
    fieldsOf: (json) => ({ structured_outputs: { json } }),
  },
];

/** More than the characters of any tool are worth. */
const CONTEXT_TOKENS = 65_536;
const NEIGHBOUR_TOKENS = 16;
/** Of the model, what is kept of schemas, and one that is being compiled. */
const ENGINE_MAX_BYTES = 1024 ** 3;

type Answer = { readonly status: number; readonly json: unknown };
type Body = OpenAI.ChatCompletion & { readonly error: OpenAI.ErrorObject };

describe("schemas that are meant to hurt", { timeout: 900_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  /** Of the dear ones that are refused: how many there are, and how many a stream has outrun. */
  const refused = { count: 0, overtaken: 0 };
  let mostBytes = 0;
  before(async () => {
    folder = await TemporaryFolder.create();
    const weightsPath = folder.file("tiny.gguf");
    await writeTinyChatModel(weightsPath, {
      contextLength: CONTEXT_TOKENS,
      chatTemplate: TEMPLATE,
      userDefined: ["<tool_call>"],
    });
    server = await ModelServer.ready({
      weightsPath,
      engine: { slots: 2, contextTokens: CONTEXT_TOKENS },
    });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** Somebody else's stream, read to its end: no token of it is missing. */
  async function neighbour(): Promise<void> {
    const stream = await post(`${server.url}/v1/completions`, {
      model: server.modelId,
      prompt: "water",
      max_tokens: NEIGHBOUR_TOKENS,
      ignore_eos: true,
      stream: true,
      logprobs: 0,
    });
    const events = await Array.fromAsync(eventsOf(stream.body));
    assert.equal(events.pop(), "[DONE]");
    const chunks = events.map((event) => JSON.parse(event) as OpenAI.Completion);
    const tokens = chunks.flatMap(({ choices }) => choices[0]?.logprobs?.tokens ?? []);
    assert.equal(tokens.length, NEIGHBOUR_TOKENS, events.join("\n"));
  }

  async function attack(fields: object): Promise<Answer & { readonly isOvertaken: boolean }> {
    const engine = await server.enginePid();
    let isAnswered = false;
    const answer = postJson(`${server.url}/v1/chat/completions`, {
      model: server.modelId,
      messages: [{ role: "user", content: "Hurt." }],
      temperature: 2,
      seed: 1,
      max_tokens: 40,
      ...fields,
    }).finally(() => (isAnswered = true));
    await neighbour();
    const isOvertaken = !isAnswered;
    const answered = await answer;
    await neighbour();
    assert.equal(await server.enginePid(), engine);
    if (process.platform === "linux") {
      mostBytes = Math.max(mostBytes, await residentBytes(engine));
    }
    return { ...answered, isOvertaken };
  }

  HOSTILE_SCHEMAS.forEach(({ name, isDear, isEndless, make }, index) => {
    const ways = isDear === true ? WAYS.slice(index % 3, (index % 3) + 1) : WAYS;
    for (const { place, schemaOf, fieldsOf } of ways) {
      test(`${place}: what ${name} is refused by its place, or obeyed`, async () => {
        const schema = schemaOf(make());
        const answer = await attack(fieldsOf(schema));
        if (answer.status !== 400) assertObeys(isEndless === true ? {} : schema, answer);
        else {
          assertNames(place, answer);
          refused.count += isDear === true ? 1 : 0;
          refused.overtaken += isDear === true && answer.isOvertaken ? 1 : 0;
        }
      });
    }
  });

  test("a schema that nests deeper than a body may is refused as a text, too", async () => {
    const json = '{"not":'.repeat(100_000) + "{}" + "}".repeat(100_000);
    const answer = await attack({ structured_outputs: { json } });
    assert.equal(answer.status, 400, JSON.stringify(answer.json));
    assertNames("structured_outputs.json", answer);
  });

  test("others' streams end before a dear schema is refused", () => {
    const { count, overtaken } = refused;
    assert.ok(count > 8 && overtaken > count / 2, `${overtaken} of ${count}`);
  });

  test("the engine's memory stays within bounds", () => {
    assert.ok(mostBytes < ENGINE_MAX_BYTES, `${mostBytes}`);
  });

  test("an ordinary request is answered afterwards", async () => {
    const { choices } = await server.client().chat.completions.create({
      model: server.modelId,
      messages: [{ role: "user", content: "Are you well?" }],
      max_tokens: 5,
    });
    assert.equal(choices.length, 1);
  });
});

function assertNames(place: string, { json }: Answer): void {
  const { error } = json as Body;
  const told = JSON.stringify(error).slice(0, 500);
  // What is too much for any body is told of the field at the top.
  if (/JSON body .* too complex/.test(error.message)) {
    assert.equal(error.param, place.split(/\W/)[0], told);
  } else assert.ok(error.param?.startsWith(place) === true, told);
}

function assertObeys(schema: Schema, { status, json }: Answer): void {
  assert.equal(status, 200, JSON.stringify(json));
  const [choice] = (json as Body).choices;
  assert.ok(choice !== undefined);
  if (choice.finish_reason === "length") return;
  const [call] = choice.message.tool_calls ?? [];
  const said = call?.type === "function" ? call.function.arguments : choice.message.content;
  assert.ok(ajv.compile(schema)(JSON.parse(said ?? "")), said ?? "");
}
