/**
 * A model server that is killed in mid-stream, as by a machine that goes down: what the client, the next request,
 * the trace and the metrics say.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import OpenAI from "openai";
import { MODEL, Stack } from "./harness/stack.ts";

/** Long enough to be remembered with the server that has seen it: the next request goes there first. */
const STORY = {
  model: MODEL,
  messages: [
    {
      role: "system",
      content: "You tell stories. They are long, they have many people in them, they never end.",
    },
    {
      role: "user",
      content: "Tell me the story of a lighthouse, its keeper and the sea, from the beginning.",
    },
  ],
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;

suite("a model server that is killed in mid-stream", () => {
  let stack: Stack;

  before(async () => {
    stack = await Stack.start("killed-server", ["model-a"]);
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test("is an error in the stream of its client, after the words that had come", async () => {
    const stream = await stack
      .client()
      .chat.completions.create({ ...STORY, stream: true, max_tokens: 900 });
    let text = "";
    const read = async (): Promise<void> => {
      for await (const { choices } of stream) {
        const first = text === "";
        text += choices[0]?.delta.content ?? "";
        if (!first || text === "") continue;
        await stack.serveFrom(["model-a", "model-b"]);
        await stack.said("api", "the models have changed");
        await stack.kill("model-a");
      }
    };
    await assert.rejects(read(), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.code, "engine_error");
      return true;
    });
    assert.match(text, /[a-z]/);
  });

  test("is passed over by the next request, whose client notices nothing", async () => {
    const answer = await stack.client().chat.completions.create({ ...STORY, max_tokens: 8 });
    assert.equal(answer.usage?.completion_tokens, 8);
  });
});
