/**
 * The images as plain containers, asked by OpenAI's client: that what docs/docker.md says is so.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import OpenAI from "openai";
import { eventually } from "../support/eventually.ts";
import { MODEL, Stack } from "./harness/stack.ts";

const QUESTION = {
  model: MODEL,
  messages: [{ role: "user", content: "What is the capital of France? Answer in one sentence." }],
  temperature: 0,
  max_tokens: 24,
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;

suite("the product in plain containers", () => {
  let stack: Stack;

  before(async () => {
    stack = await Stack.start("serving");
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test("answers OpenAI's client, whole and as a stream, with the same words", async () => {
    const client = stack.client();
    const whole = await client.chat.completions.create(QUESTION);
    assert.match(whole.choices[0]?.message.content ?? "", /Paris/);
    const pieces: string[] = [];
    for await (const { choices } of await client.chat.completions.create({
      ...QUESTION,
      stream: true,
    }))
      pieces.push(choices[0]?.delta.content ?? "");
    assert.ok(pieces.length > 2);
    assert.equal(pieces.join(""), whole.choices[0]?.message.content);
  });

  test("lists the model of the file, and knows it by its alias", async () => {
    const client = stack.client();
    const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
    assert.deepEqual(ids, [MODEL]);
    const answer = await client.completions.create({
      model: "small",
      prompt: "One, two,",
      max_tokens: 2,
    });
    assert.equal(answer.usage?.completion_tokens, 2);
  });

  test("serves as a user without rights, on file systems that nobody can write to", async () => {
    for (const name of ["api", "model-a"] as const) {
      const { output } = await stack.container(name).exec(["cat", "/proc/1/status"]);
      assert.match(output, /^Uid:\s+10001\s/m);
      assert.match(output, /^CapEff:\s+0+$/m);
      const { exitCode } = await stack.container(name).exec(["touch", "/app/written"]);
      assert.notEqual(exitCode, 0);
    }
  });

  test("takes a changed file over without a restart", async () => {
    await stack.serveFrom([]);
    const client = stack.client();
    await eventually("the model to be gone", () =>
      assert.rejects(client.chat.completions.create(QUESTION), OpenAI.NotFoundError),
    );
    await stack.serveFrom(["model-a", "model-b"]);
    await eventually("the model to be back", () => client.chat.completions.create(QUESTION));
  });
});
