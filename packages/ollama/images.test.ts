/** Images in Ollama's form: where they go, and that what is said of one names where the client has written it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf } from "../../test/support/refusal.ts";
import { ollamaChatWire, ollamaGenerateWire } from "./generation-wires.ts";

const ONE = Buffer.from("one").toString("base64");
const OTHER = Buffer.from("other").toString("base64");
const WRONG = "not base64!";

const chat = (...messages: object[]) => ollamaChatWire.understand({ model: "m", messages });
const generate = (more: object) => ollamaGenerateWire.understand({ model: "m", ...more });

const text = (words: string) => ({ type: "text", text: words });
const image = (picture: number) => ({ type: "image", picture });

test("every message's images come before its text, those of a tool's result too", () => {
  const call = { function: { name: "look", arguments: {} } };
  const { ask } = chat(
    { role: "user", content: "Look.", images: [ONE, `data:image/png;base64,${OTHER}`] },
    { role: "assistant", tool_calls: [call] },
    { role: "tool", tool_name: "look", content: "Seen.", images: [ONE] },
  );
  const [prompt] = ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(
    prompt.messages.map(({ content }) => content),
    [[image(0), image(1), text("Look.")], "", [image(2), text("Seen.")]],
  );
  assert.deepEqual(
    ask.images?.map(({ field, source }) => [
      field,
      source.type === "file" && Buffer.from(source.bytes).toString(),
    ]),
    [
      ["{prompt}[0].images[0]", "one"],
      ["{prompt}[0].images[1]", "other"],
      ["{prompt}[2].images[0]", "one"],
    ],
  );
});

test("an image of a question alone is in the request's own list", () => {
  const { ask } = generate({ prompt: "Look.", system: "Be brief.", images: [ONE, OTHER] });
  assert.deepEqual(
    ask.images?.map(({ field }) => field),
    ["images[0]", "images[1]"],
  );
});

const said = { role: "user", content: "a" };
const refused: [name: string, ask: () => unknown, field: string, words: RegExp][] = [
  [
    "that is no base64",
    () => chat(said, { role: "user", content: "b", images: [ONE, WRONG] }),
    "{prompt}[1].images[1]",
    /'\{prompt\}\[1\]\.images\[1\]': its data is not valid base64/,
  ],
  [
    "of an assistant",
    () => chat(said, { role: "assistant", content: "b", images: [ONE] }),
    "{prompt}[1].images[0]",
    /not of an assistant/,
  ],
  ["of a question", () => generate({ prompt: "a", images: [ONE, WRONG] }), "images[1]", /base64/],
  [
    "beside a raw prompt",
    () => generate({ prompt: "a", raw: true, images: [ONE] }),
    "images",
    /no place for images/,
  ],
  [
    "beside a gap",
    () => generate({ prompt: "a", suffix: "b", images: [ONE] }),
    "images",
    /'suffix'/,
  ],
];
for (const [name, ask, field, words] of refused) {
  test(`an image ${name} is refused where it was written`, () => {
    const { data } = refusalOf(ask);
    assert.equal(data.field, field);
    assert.match(data.message, words);
  });
}
