/**
 * Pictures together with everything else that a chat may ask for: tools, schemas, several answers, probabilities, messages
 * of every role, streams that are left.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type OpenAI from "openai";
import { BadRequestError } from "openai";
import { pngOf } from "../support/glyph-files.ts";
import { GRID } from "../support/glyphs.ts";
import { ModelServer } from "../support/model-server.ts";
import { writeSeeingModel } from "../support/seeing-models.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const model = "test-model";
const TOKENS = 12;
const PICTURE_TOKENS = GRID ** 2;
const QUESTION = { type: "text", text: "Spell it." } as const;

type Asked = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>;
type Message = OpenAI.ChatCompletionMessageParam;
type Part = OpenAI.ChatCompletionContentPart;

suite("a chat with a picture", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let hello: Part;
  let world: Part;

  before(async () => {
    folder = await TemporaryFolder.create();
    const { weightsPath, projectorPath } = await writeSeeingModel(folder);
    server = await ModelServer.ready({
      weightsPath,
      projectorPath,
      engine: { slots: 4, contextTokens: 2048 },
      sampling: { temperature: 0 },
    });
    [hello, world] = await Promise.all([pictureOf("HELLO"), pictureOf("WORLD")]);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const say = (messages: readonly Message[], more: Asked = {}) =>
    server.client().chat.completions.create({
      model,
      max_completion_tokens: TOKENS,
      messages: [...messages],
      ...more,
    });
  const ask = (more: Asked = {}, content: Part[] = [hello, QUESTION]) =>
    say([{ role: "user", content }], more);

  test("calls the tool that is demanded, with arguments of its schema", async () => {
    const parameters = {
      type: "object",
      properties: { word: { enum: ["HELLO", "WORLD"] } },
      required: ["word"],
      additionalProperties: false,
    };
    const { choices } = await ask({
      max_completion_tokens: 60,
      tools: [{ type: "function", function: { name: "read", parameters } }],
      tool_choice: "required",
    });
    const [call] = choices[0]?.message.tool_calls ?? [];
    assert.ok(call?.type === "function");
    assert.match(call.function.arguments, /^\{"word": ?"(HELLO|WORLD)"\}$/);
  });

  test("is answered as its schema says", async () => {
    const answer = await ask({
      response_format: {
        type: "json_schema",
        json_schema: { name: "seen", strict: true, schema: { enum: ["few", "many"] } },
      },
    });
    assert.match(textOf(answer), /^"(few|many)"$/);
  });

  test("has several answers, each with its probabilities, and is counted once", async () => {
    const alone = await ask();
    const { choices, usage } = await ask({ n: 2, logprobs: true, top_logprobs: 2 });
    assert.equal(choices.length, 2);
    for (const { logprobs } of choices) assert.equal(logprobs?.content?.length, TOKENS);
    assert.equal(usage?.prompt_tokens, alone.usage?.prompt_tokens);
  });

  test("is answered with as few tokens as are asked for", async () => {
    const { choices, usage } = await ask({ max_completion_tokens: 1 });
    assert.equal(choices[0]?.finish_reason, "length");
    assert.equal(usage?.completion_tokens, 1);
    assert.ok(usage.prompt_tokens > PICTURE_TOKENS);
  });

  test("may have one picture twice, and has what was evaluated of it kept", async () => {
    const twice = await ask({}, [world, world, QUESTION]);
    const once = await ask({}, [world, QUESTION]);
    const difference = (twice.usage?.prompt_tokens ?? 0) - (once.usage?.prompt_tokens ?? 0);
    assert.equal(difference, PICTURE_TOKENS);
    assert.ok((once.usage?.prompt_tokens_details?.cached_tokens ?? 0) >= PICTURE_TOKENS);
  });

  test("may have pictures in what the system says and a tool has found, and answers to them", async () => {
    for (const [index, messages] of placesOf(hello).entries()) {
      const [one, other] = [await say(messages), await say(placesOf(world)[index] ?? [])];
      assert.ok((one.usage?.prompt_tokens ?? 0) > PICTURE_TOKENS);
      assert.equal(one.usage?.prompt_tokens, other.usage?.prompt_tokens);
      assert.notEqual(textOf(one), textOf(other));
    }
  });

  test("may not have one in what the assistant said, and its part is named", async () => {
    const said = [QUESTION, hello] as unknown as string;
    const asked = say([
      { role: "user", content: "Hi" },
      { role: "assistant", content: said },
      { role: "user", content: "And?" },
    ]);
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof BadRequestError);
      assert.equal(error.param, "messages[1].content[1]");
      return true;
    });
  });

  test("is left while its pictures are looked at, and the next is answered", async () => {
    for (let left = 0; left < 5; left += 1) {
      const fresh = await Promise.all(
        Array.from({ length: 8 }, (_, index) => pictureOf(word(left * 8 + index))),
      );
      const gone = new AbortController();
      const asked = server.client().chat.completions.create(
        {
          model,
          stream: true,
          max_completion_tokens: TOKENS,
          messages: [{ role: "user", content: [...fresh, QUESTION] }],
        },
        { signal: gone.signal },
      );
      // Once the server has all of it.
      if (left % 2 === 0) await server.client().models.list();
      gone.abort();
      await assert.rejects(asked);
    }
    const { choices } = await ask();
    assert.equal(choices[0]?.finish_reason, "length");
  });
});

const CALL = {
  id: "call_1",
  type: "function",
  function: { name: "look", arguments: "{}" },
} as const;

/** In what the system says, and in what a tool has found. */
function placesOf(picture: Part): readonly Message[][] {
  return [
    [
      { role: "system", content: [picture] as unknown as string },
      { role: "user", content: "Spell it." },
    ],
    [
      { role: "user", content: "Spell it." },
      { role: "assistant", tool_calls: [CALL] },
      { role: "tool", tool_call_id: CALL.id, content: [picture] as unknown as string },
    ],
  ];
}

function textOf({ choices }: OpenAI.ChatCompletion): string {
  return choices[0]?.message.content ?? "";
}

/** Five letters, others for each number. */
function word(index: number): string {
  return Array.from({ length: 5 }, (_, at) =>
    String.fromCodePoint(65 + (Math.floor(index / 26 ** at) % 26)),
  ).join("");
}

async function pictureOf(text: string): Promise<Part> {
  const png = await pngOf(text);
  return {
    type: "image_url",
    image_url: { url: `data:image/png;base64,${png.toString("base64")}` },
  };
}
