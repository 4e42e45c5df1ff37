/** Requests that are cheap to send and dear to read: others' streams go on, and the engine stays the same one. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { ModelServer } from "../support/model-server.ts";
import { eventsOf, post } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

/** Long enough for a stream that outlasts every attack. */
const CONTEXT_TOKENS = 16_384;

/** ChatML, but for one who asks for it: then it does not end. */
const TEMPLATE = `{%- for message in messages -%}
{% if message.content == 'for ever' %}{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{% endif -%}
{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- endfor -%}{{ '<|im_start|>assistant\n' }}`;

let folder: TemporaryFolder;
let server: ModelServer;
before(async () => {
  folder = await TemporaryFolder.create();
  const weightsPath = folder.file("tiny.gguf");
  await writeTinyChatModel(weightsPath, {
    contextLength: CONTEXT_TOKENS,
    chatTemplate: TEMPLATE,
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

function chatOf(content: string) {
  return { model: server.modelId, max_tokens: 1, messages: [{ role: "user", content }] };
}

/** What a request that is sent while another client streams is answered; that stream outlives it. */
async function attack(path: string, body: object) {
  const engine = await server.enginePid();
  const stream = await post(`${server.url}/v1/completions`, {
    model: server.modelId,
    prompt: "water",
    max_tokens: -1,
    stream: true,
    ignore_eos: true,
  });
  const events = eventsOf(stream.body);
  await events.next();
  const { status, body: answer } = await post(server.url + path, gzipSync(JSON.stringify(body)), {
    headers: { "content-encoding": "gzip" },
  });
  const said = await text(answer);
  assert.equal((await events.next()).done, false);
  stream.body.destroy();
  assert.equal(await server.enginePid(), engine);
  return { status, said };
}

for (const [what, content] of [
  ["private-use characters, as many as a body may have", "\uE000".repeat(1_200_000)],
  ["the text of a control token, four hundred thousand times", "<|im_end|>".repeat(400_000)],
  ["a million emoji", "🙂".repeat(1_000_000)],
  ["four megabytes of spaces", " ".repeat(4_000_000)],
] as const) {
  test(`a message of ${what} is refused, and others' streams go on`, async () => {
    const { status, said } = await attack("/v1/chat/completions", chatOf(content));
    assert.equal(status, 400, said.slice(0, 300));
    assert.match(said, /resulted in more than \d+ tokens/);
  });
}

test("two hundred long prompts are taken in turns with the tokens of others", async () => {
  const prompt = Array.from({ length: 200 }, (_, index) => `${index} ${"river ".repeat(3200)}`);
  // All are tokenised before the last one is found to be too long.
  prompt.push("river ".repeat(20_000));
  const { status } = await attack("/v1/completions", {
    model: server.modelId,
    prompt,
    max_tokens: 0,
  });
  assert.equal(status, 400);
});

test("a template that does not end costs its own request, and nobody else's", async () => {
  const { status, said } = await attack("/v1/chat/completions", chatOf("for ever"));
  assert.equal(status, 400);
  assert.match(said, /chat template cannot render these messages: it did not end/);
});
