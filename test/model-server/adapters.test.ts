/** Adapters that clients choose by `model`: one process, one load of the weights, an answer of its own for each. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeNoiseLora } from "../support/noise-lora.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const IDS = ["base", "org/tone", "style"] as const;

const refused = {
  "a page of a website": ["NotAGguf", /page\.gguf is not a GGUF file/],
  "a model": ["LoadFailed", /model\.gguf.*has to be a LoRA adapter that was made for this model/s],
} as const;

for (const [what, [reason, message]] of Object.entries(refused)) {
  test(`a model server says so when an adapter is ${what}`, async () => {
    await using folder = await TemporaryFolder.create();
    const [weightsPath, page] = [folder.file("model.gguf"), folder.file("page.gguf")];
    await writeTinyChatModel(weightsPath);
    await writeFile(page, "<html>".padEnd(100));
    const path = reason === "NotAGguf" ? page : weightsPath;
    await using server = new ModelServer({ weightsPath, adapters: [{ id: "a", path, scale: 1 }] });
    const state = await server.until(({ state: name }) => name === "failed");
    assert.ok(state.state === "failed");
    assert.equal(state.reason, reason);
    assert.match(state.message, message);
  });
}

suite("a model server with adapters", () => {
  let folder: TemporaryFolder;
  let server: ModelServer;

  before(async () => {
    folder = await TemporaryFolder.create();
    const [weightsPath, tone, style] = ["m.gguf", "tone.gguf", "style.gguf"].map((name) =>
      folder.file(name),
    ) as [string, string, string];
    await writeTinyChatModel(weightsPath);
    await writeNoiseLora(tone, { seed: 1 });
    await writeNoiseLora(style, { seed: 2 });
    server = await ModelServer.ready({
      modelId: "base",
      aliases: ["also-base"],
      weightsPath,
      adapters: [
        { id: "org/tone", path: tone, scale: 1 },
        { id: "style", path: style, scale: 1 },
      ],
      engine: { slots: 2, contextTokens: 512 },
    });
  });

  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const ask = async (model: string, signal?: AbortSignal) =>
    server.client().chat.completions.create(
      {
        model,
        messages: [{ role: "user", content: "Tell me about the sea." }],
        temperature: 0,
        max_tokens: 24,
      },
      signal && { signal },
    );
  const textOf = async (model: string): Promise<string> =>
    (await ask(model)).choices[0]?.message.content ?? "";

  test("lists each beside the model, and says whose it is", async () => {
    const listed = await Array.fromAsync(server.client().models.list());
    assert.deepEqual(
      listed.map((model) => [model.id, (model as { parent?: string }).parent]),
      [
        ["base", undefined],
        ["org/tone", "base"],
        ["style", "base"],
      ],
    );
    const { id } = await server.client().models.retrieve("org/tone");
    assert.equal(id, "org/tone");
  });

  test("answers with the adapter that is asked for, and by its name", async () => {
    const answers = await Promise.all(IDS.map((id) => ask(id)));
    assert.deepEqual(
      answers.map(({ model }) => model),
      [...IDS],
    );
    const texts = answers.map(({ choices }) => choices[0]?.message.content);
    assert.equal(new Set(texts).size, IDS.length, texts.join("\n"));
  });

  test("gives each request its own, however many come at once", async () => {
    const alone = new Map<string, string>();
    for (const id of IDS) alone.set(id, await textOf(id));
    const asked = Array.from({ length: 18 }, (_, index) => IDS[index % IDS.length] ?? "base");
    const texts = await Promise.all(asked.map(textOf));
    assert.deepEqual(
      texts,
      asked.map((id) => alone.get(id)),
    );
    assert.equal(await textOf("also-base"), alone.get("base"));
  });

  test("takes text completions, streams and log probabilities for an adapter too", async () => {
    const client = server.client();
    const prompt = { prompt: "The sea", max_tokens: 8, temperature: 0 };
    const completion = await client.completions.create({ ...prompt, model: "style", logprobs: 1 });
    assert.equal(completion.model, "style");
    assert.equal(completion.choices[0]?.logprobs?.tokens?.length, 8);
    const stream = await client.completions.create({ ...prompt, model: "style", stream: true });
    const chunks = await Array.fromAsync(stream);
    assert.ok(chunks.every(({ model }) => model === "style"));
    assert.equal(
      chunks.map(({ choices }) => choices[0]?.text ?? "").join(""),
      completion.choices[0].text,
    );
  });

  test("gives a slot back when a client hangs up, and knows no other ids", async () => {
    const gone = new AbortController();
    const left = ask("style", gone.signal);
    gone.abort();
    await assert.rejects(left);
    assert.notEqual(await textOf("style"), "");
    await assert.rejects(ask("tone"), { status: 404, message: /`org\/tone`/ });
  });
});
