/** Audio in chats: how clients send it, what becomes of it, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf } from "../../../test/support/refusal.ts";
import { chatWire } from "./chat-wire.ts";

const BYTES = Buffer.from("524946460000000057415645ff", "hex");
const data = BYTES.toString("base64");

const text = (words: string) => ({ type: "text", text: words });
const audio = (of: object) => ({ type: "input_audio", input_audio: of });
const asked = (...messages: object[]) => chatWire.understand({ messages }).ask;
const user = (...content: unknown[]) => asked({ role: "user", content });

for (const [name, of] of Object.entries({
  "as OpenAI has it": { data, format: "wav" },
  "called the other format": { data, format: "mp3" },
  "with the head of a data URL": { data: `data:audio/wav;base64,${data}`, format: "wav" },
})) {
  test(`audio ${name} is its bytes`, () => {
    const { sounds = [], images } = user(text("What is said?"), audio(of));
    assert.equal(images, undefined);
    assert.deepEqual(
      sounds.map(({ bytes, field }) => [Buffer.from(bytes).toString("hex"), field]),
      [[BYTES.toString("hex"), "{prompt}[0].content[1]"]],
    );
  });
}

test("audio and images stand among the texts, each counted on its own", () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const sound = audio({ data, format: "wav" });
  const { prompts, images, sounds } = asked(
    { role: "user", content: [text("a"), sound, text("b"), image, sound] },
    { role: "assistant", content: "c" },
    { role: "user", content: [image, sound] },
  );
  const [prompt] = prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(
    prompt.messages.map(({ content }) => content),
    [
      [
        { type: "text", text: "a" },
        { type: "audio", sound: 0 },
        { type: "text", text: "b" },
        { type: "image", picture: 0 },
        { type: "audio", sound: 1 },
      ],
      "c",
      [
        { type: "image", picture: 1 },
        { type: "audio", sound: 2 },
      ],
    ],
  );
  assert.deepEqual(
    [images?.map(({ field }) => field), sounds?.map(({ field }) => field)],
    [
      ["{prompt}[0].content[3]", "{prompt}[2].content[0]"],
      ["{prompt}[0].content[1]", "{prompt}[0].content[4]", "{prompt}[2].content[1]"],
    ],
  );
});

const wrong: [name: string, of: object, param: string, code: string, words: RegExp][] = [
  ["is no base64", { data: "a!b", format: "wav" }, ".data", "invalid_base64", /base64/],
  ["has no data", { format: "wav" }, ".data", "missing_required_parameter", /Missing/],
  ["has no format", { data }, ".format", "missing_required_parameter", /Missing/],
  ["is in another format", { data, format: "flac" }, ".format", "invalid_value", /'wav', 'mp3'/],
  [
    "has too many bytes",
    { data: "A".repeat(28_000_000), format: "wav" },
    ".data",
    "audio_too_large",
    /21000000 bytes/,
  ],
];
for (const [name, of, param, code, words] of wrong) {
  test(`audio that ${name} is refused by its place`, () => {
    const failure = refusalOf(() => user(text("a"), audio(of)));
    assert.equal(failure.field, `messages[0].content[1].input_audio${param}`);
    assert.equal(failure.code, code);
    assert.match(failure.message, words);
    assert.ok(failure.message.length < 600);
  });
}

test("what an assistant said is no audio", () => {
  const content = [text("a"), audio({ data, format: "wav" })];
  const failure = refusalOf(() => asked({ role: "assistant", content }));
  assert.equal(failure.field, "messages[0].content[1]");
});

test("a conversation has so much audio at most, and the first too many is named", () => {
  const failure = refusalOf(() =>
    user(...Array.from({ length: 65 }, () => audio({ data, format: "wav" }))),
  );
  assert.equal(failure.field, "{prompt}[0].content[64]");
  assert.equal(failure.code, "too_many_audio_parts");
});
