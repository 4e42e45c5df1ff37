/** Images on their way through the server: what the engine gets of them, and what clients are told. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Picture } from "@localmodel/inference/picture.ts";
import {
  HEARING_MODELS_HEADER,
  SEEING_MODELS_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";
import type { ErrorBody } from "@localmodel/openai/dialect.ts";
import { flat, LOSSLESS, RGB } from "@localmodel/pictures/fixtures/sample-images.ts";
import { facts, ScriptedEngine } from "../fixtures/scripted-engine.ts";
import { serve } from "../fixtures/serve.ts";

const PATH = "/v1/chat/completions";

function seeing(): ScriptedEngine {
  const engine = new ScriptedEngine();
  const capabilities = [...facts.capabilities, "vision"] as const;
  engine.state = { state: "ready", message: "Ready", model: { ...facts, capabilities } };
  return engine;
}

const serveSeeing = (t: TestContext, engine: ScriptedEngine) =>
  serve(t, engine, { config: { projectorPath: "mmproj.gguf" } });

const image = (bytes: Uint8Array) => ({
  type: "image_url",
  image_url: { url: `data:image/png;base64,${Buffer.from(bytes).toString("base64")}` },
});
const text = { type: "text", text: "What is this?" };
const chat = (...content: object[]) => ({ messages: [{ role: "user", content }] });

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function picturesIn({ call }: ScriptedEngine): readonly Picture[] {
  const [prompt] = call.request.prompts;
  assert.ok(prompt?.kind === "chat");
  return prompt.pictures ?? [];
}

async function errorOf(answer: Response, status = 400) {
  assert.equal(answer.status, status);
  return ((await answer.json()) as ErrorBody).error;
}

test("the engine gets what is in the files, in their order", async (t) => {
  const engine = seeing();
  const { post } = await serveSeeing(t, engine);
  const files = [await flat(2, 1), await LOSSLESS.gif()];
  const answer = await post(PATH, chat(text, ...files.map(image)));
  assert.equal(answer.status, 200);
  const [red, colours, ...others] = picturesIn(engine);
  assert.ok(red !== undefined && colours !== undefined);
  assert.equal(others.length, 0);
  assert.equal(hex(red.rgb), "ff0000ff0000");
  assert.deepEqual([red.width, red.height], [2, 1]);
  assert.match(red.sha256, /^[0-9a-f]{64}$/);
  assert.equal(red.field, "{prompt}[0].content[1]");
  assert.equal(hex(colours.rgb), hex(RGB));
});

test("a model that reads text only names the image, and how to find one that looks", async (t) => {
  const engine = new ScriptedEngine();
  const { post } = await serve(t, engine);
  const error = await errorOf(await post(PATH, chat(text, image(await flat(1, 1)))));
  assert.equal(error.param, "messages[0].content[1]");
  assert.equal(error.code, "model_not_multimodal");
  assert.match(error.message, /an image, .*text only.*"vision".*\/v1\/models/);
  assert.equal(engine.calls.length, 0);
});

test("who knows which models look at images has them named", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const headers = { "content-type": "application/json", [SEEING_MODELS_HEADER]: "org/eyes,other" };
  const error = await errorOf(await post(PATH, chat(image(await flat(1, 1))), { headers }));
  assert.match(error.message, /Models that read images: `org\/eyes`, `other`\.$/);
});

test("who only has a prompt counted is told which models look at images, too", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const headers = { "content-type": "application/json", [SEEING_MODELS_HEADER]: "org/eyes,other" };
  const png = Buffer.from(await flat(1, 1)).toString("base64");
  const url = `data:image/png;base64,${png}`;
  const source = { type: "base64", media_type: "image/png", data: png };
  const input = [{ role: "user", content: [{ type: "input_image", image_url: url }] }];
  const messages = [{ role: "user", content: [{ type: "image", source }] }];
  for (const [path, body] of [
    ["/tokenize", chat(image(await flat(1, 1)))],
    ["/v1/responses/input_tokens", { input }],
    ["/v1/messages/count_tokens", { model: "small", messages }],
  ] as const) {
    const error = await errorOf(await post(path, body, { headers }));
    assert.match(error.message, /Models that read images: `org\/eyes`, `other`\.$/, path);
  }
});

test("who knows which models hear has them named", async (t) => {
  const { post } = await serve(t, new ScriptedEngine());
  const headers = { "content-type": "application/json", [HEARING_MODELS_HEADER]: "ears,other" };
  const sound = { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } };
  const error = await errorOf(await post(PATH, chat(text, sound), { headers }));
  assert.equal(error.param, "messages[0].content[1]");
  assert.match(error.message, /it is audio, .* does not hear\. Models that do: `ears`, `other`\.$/);
});

test("a file that is no picture is refused by its place, and the engine is not asked", async (t) => {
  const engine = seeing();
  const { post } = await serveSeeing(t, engine);
  const png = await LOSSLESS.png();
  for (const [bytes, code, words] of [
    [Buffer.from("%PDF-1.7"), "invalid_image_format", /a PDF/],
    [png.subarray(0, 70), "image_parse_error", /damaged or cut off/],
    [Buffer.alloc(0), "empty_image_file", /no bytes/],
  ] as const) {
    const error = await errorOf(await post(PATH, chat(image(png), text, image(bytes))));
    assert.equal(error.param, "messages[0].content[2]");
    assert.equal(error.code, code);
    assert.match(error.message, words);
  }
  assert.equal(engine.calls.length, 0);
  assert.equal((await post(PATH, chat(image(png)))).status, 200);
});

test("no image is fetched unless its host is allowed", async (t) => {
  const { post } = await serveSeeing(t, seeing());
  const elsewhere = { type: "image_url", image_url: { url: "https://images.example.com/a.png" } };
  const error = await errorOf(await post(PATH, chat(text, elsewhere)));
  assert.equal(error.param, "messages[0].content[1]");
  assert.equal(error.code, "invalid_image_url");
  assert.match(error.message, /data:image\/png;base64,….*spec\.imageUrls\.allowedHosts/);
});

test("a model that looks at images takes bodies as large as an image may make them", async (t) => {
  const large = chat(image(Buffer.alloc(8 * 2 ** 20)));
  const { post } = await serveSeeing(t, seeing());
  assert.equal((await errorOf(await post(PATH, large))).code, "invalid_image_format");
  const reading = await serve(t, new ScriptedEngine());
  assert.equal((await errorOf(await reading.post(PATH, large), 413)).code, "request_too_large");
});
