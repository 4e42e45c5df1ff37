/** Images in chats: every spelling that clients have, what becomes of them, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf } from "../../../test/support/refusal.ts";
import { chatWire } from "./chat-wire.ts";

const BYTES = Buffer.from("89504e470d0a1a0a00ff", "hex");
const DATA = `data:image/png;base64,${BYTES.toString("base64")}`;
const WEB = "https://images.example.com/cat.png";

const text = (words: string) => ({ type: "text", text: words });
const asked = (...messages: object[]) => chatWire.understand({ messages }).ask;
const user = (...content: unknown[]) => asked({ role: "user", content });

const spellings: Record<string, object> = {
  "OpenAI's": { type: "image_url", image_url: { url: DATA } },
  "with detail": { type: "image_url", image_url: { url: DATA, detail: "high" } },
  "the URL itself": { type: "image_url", image_url: DATA },
  "of the newer API": { type: "input_image", image_url: DATA, detail: "auto" },
  "as an image": { type: "image", image: DATA },
  "as a file": { type: "file", file: { filename: "a.png", file_data: DATA } },
  "as a file of the newer API": { type: "input_file", filename: "a.png", file_data: DATA },
  "as a file without a head": { type: "file", file: { file_data: BYTES.toString("base64") } },
  "as a file of no type": {
    type: "file",
    file: { file_data: DATA.replace("image/png", "application/octet-stream") },
  },
  "in capitals": {
    type: "image_url",
    image_url: { url: DATA.replace(/^.*,/, "DATA:IMAGE/PNG;BASE64,") },
  },
  "with a set of characters": {
    type: "image_url",
    image_url: { url: DATA.replace(";base64", ";charset=utf-8; base64") },
  },
  "between white space, and in lines": {
    type: "image_url",
    image_url: { url: `\n  ${DATA.slice(0, 30)}\r\n${DATA.slice(30)}\n` },
  },
  "in the alphabet of URLs": {
    type: "image_url",
    image_url: { url: `data:;base64,${BYTES.toString("base64url")}` },
  },
  "escaped for a URL": {
    type: "image_url",
    image_url: { url: `data:image/png;base64,${encodeURIComponent(BYTES.toString("base64"))}` },
  },
  "with nulls": { type: "image_url", image_url: { url: DATA, detail: null }, detail: null },
  "called another kind of file": {
    type: "image_url",
    image_url: { url: DATA.replace("image/png", "image/jpeg") },
  },
};
for (const [name, part] of Object.entries(spellings)) {
  test(`an image ${name} is its bytes`, () => {
    const { images = [] } = user({ type: "text", text: "What is this?" }, part);
    const [image] = images;
    assert.equal(images.length, 1);
    assert.ok(image?.source.type === "file");
    assert.equal(Buffer.from(image.source.bytes).toString("hex"), BYTES.toString("hex"));
    assert.equal(image.maxPixels, undefined);
    assert.equal(image.field, "{prompt}[0].content[1]");
  });
}

test("an image somewhere else is where it is", () => {
  const { images } = user({ type: "image_url", image_url: { url: WEB } });
  assert.deepEqual(images?.[0]?.source, { type: "url", url: WEB });
});

test("low detail asks for a smaller picture, wherever it is said", () => {
  for (const part of [
    { type: "image_url", image_url: { url: DATA, detail: "low" } },
    { type: "input_image", image_url: DATA, detail: "low" },
  ]) {
    assert.equal(user(part).images?.[0]?.maxPixels, 512 * 512);
  }
});

test("images stand among the texts, in the order of the conversation", () => {
  const image = { type: "image_url", image_url: { url: DATA } };
  const { prompts, images } = asked(
    { role: "system", content: "Look." },
    { role: "user", content: [text("a"), text("b"), image, text("c"), image] },
    { role: "assistant", content: [text("two")] },
    { role: "tool", tool_call_id: "1", content: [image] },
  );
  const [prompt] = prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(
    prompt.messages.map(({ content }) => content),
    [
      "Look.",
      [
        { type: "text", text: "a\nb" },
        { type: "image", picture: 0 },
        { type: "text", text: "c" },
        { type: "image", picture: 1 },
      ],
      "two",
      [{ type: "image", picture: 2 }],
    ],
  );
  assert.deepEqual(
    images?.map(({ field }) => field),
    ["{prompt}[1].content[2]", "{prompt}[1].content[4]", "{prompt}[3].content[0]"],
  );
});

test("a conversation without images has none", () => {
  assert.equal(user({ type: "text", text: "a" }).images, undefined);
});

const url = (of: string) => ({ type: "image_url", image_url: { url: of } });
const wrong: [name: string, part: object, param: string, code: string, words: RegExp][] = [
  ["a path", url("/tmp/cat.png"), "image_url.url", "invalid_image_url", /data URL .* or an https/],
  ["a file URL", url("file:///etc/passwd"), "image_url.url", "invalid_image_url", /data URL/],
  ["bare base64", url("aGVsbG8="), "image_url.url", "invalid_image_url", /data URL/],
  [
    "no base64",
    url("data:image/png;base64,a!b"),
    "image_url.url",
    "invalid_base64_image",
    /base64/,
  ],
  ["percent signs", url("data:image/png,%89"), "image_url.url", "invalid_base64_image", /;base64,/],
  [
    "too many bytes",
    url(`data:image/png;base64,${"A".repeat(28_000_000)}`),
    "image_url.url",
    "image_too_large",
    /21000000 bytes/,
  ],
  [
    "a detail nobody knows",
    { type: "image_url", image_url: { url: DATA, detail: "x" } },
    "image_url.detail",
    "invalid_value",
    /'low'/,
  ],
  ["no image", { type: "image_url" }, "image_url", "missing_required_parameter", /Missing/],
  [
    "a PDF",
    { type: "file", file: { file_data: "data:application/pdf;base64,JVBERg==" } },
    "file.file_data",
    "unsupported_file",
    /only images.*application\/pdf/,
  ],
  [
    "a PDF without a head",
    { type: "file", file: { file_data: "JVBERi0xLjc=" } },
    "file.file_data",
    "unsupported_file",
    /only images/,
  ],
  [
    "no percent sign of base64",
    url("data:image/png;base64,%zz%41"),
    "image_url.url",
    "invalid_base64_image",
    /base64/,
  ],
  [
    "an id of a file",
    { type: "file", file: { file_id: "file-1" } },
    "file.file_id",
    "unsupported_file",
    /keeps no files/,
  ],
  [
    "a file elsewhere",
    { type: "input_file", file_url: "https://example.com/a.pdf" },
    "file_url",
    "unsupported_file",
    /not fetched.*data URL/,
  ],
  [
    "a picture that OpenAI keeps",
    { type: "input_image", file_id: "file-1", image_url: null },
    "file_id",
    "unsupported_file",
    /keeps no files.*data URL/,
  ],
];
for (const [name, part, param, code, words] of wrong) {
  test(`an image that is ${name} is refused by its place`, () => {
    const failure = refusalOf(() => user({ type: "text", text: "a" }, part));
    assert.equal(failure.field, `messages[0].content[1].${param}`);
    assert.equal(failure.code, code);
    assert.match(failure.message, words);
    assert.ok(failure.message.length < 600);
  });
}

for (const [type, words] of Object.entries({ audio_url: "audio", video_url: "a video" })) {
  test(`${type} is refused by its place and name`, () => {
    const failure = refusalOf(() => user({ type: "text", text: "a" }, { type, [type]: {} }));
    assert.equal(failure.field, "messages[0].content[1]");
    assert.equal(failure.code, "model_not_multimodal");
    assert.match(failure.message, new RegExp(`it holds ${words}`));
  });
}

test("what an assistant said is no image", () => {
  const content = [{ type: "text", text: "a" }, url(DATA)];
  const failure = refusalOf(() => asked({ role: "assistant", content }));
  assert.equal(failure.field, "messages[0].content[1]");
});

const messages = (count: number) =>
  Array.from({ length: count }, () => ({ role: "user", content: [url(DATA), url(DATA)] }));

test("a conversation has so many images at most, and the first too many is named", () => {
  assert.equal(asked(...messages(32)).images?.length, 64);
  const failure = refusalOf(() => asked(...messages(40)));
  assert.equal(failure.field, "{prompt}[32].content[0]");
  assert.equal(failure.code, "too_many_images");
  assert.match(failure.message, /80 images, and at most 64/);
});
