/** Images among the items of a response's input, and what was kept of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { responsesWire } from "./responses-wire.ts";

const BYTES = Buffer.from("89504e470d0a1a0a00ff", "hex");
const DATA = `data:image/png;base64,${BYTES.toString("base64")}`;
const image = { type: "input_image", image_url: DATA, detail: "auto" };
const user = (...content: readonly object[]) => ({ role: "user", content });
const words = (text: string) => ({ type: "input_text", text });

test("images stand between texts, in the order of the whole conversation", () => {
  const { ask } = responsesWire.understand(
    {
      input: [
        { type: "function_call", call_id: "c", name: "look", arguments: "{}" },
        { type: "function_call_output", call_id: "c", output: [image] },
        user(words("And this?"), { ...image, detail: "low" }),
      ],
      previous_response_id: "resp_1",
    },
    { earlier: [user(image, words("What is it?"))], referenced: [] },
  );
  const [prompt] = ask.prompts;
  assert.ok(prompt?.kind === "chat");
  assert.deepEqual(
    prompt.messages.map(({ role, content }) => [role, content]),
    [
      [
        "user",
        [
          { type: "image", picture: 0 },
          { type: "text", text: "What is it?" },
        ],
      ],
      ["assistant", ""],
      ["tool", [{ type: "image", picture: 1 }]],
      [
        "user",
        [
          { type: "text", text: "And this?" },
          { type: "image", picture: 2 },
        ],
      ],
    ],
  );
  assert.deepEqual(
    ask.images?.map(({ field, maxPixels }) => [field, maxPixels]),
    [
      ["previous_response_id.content[0]", undefined],
      ["{prompt}[1].output[0]", undefined],
      ["{prompt}[2].content[1]", 512 * 512],
    ],
  );
});

for (const [what, item, field] of [
  ["an image in what the model said", { role: "assistant", content: [image] }, "input[0].content"],
  [
    "an image that only OpenAI has",
    user({ type: "input_image", file_id: "file_1" }),
    "input[0].content[0].file_id",
  ],
] as const) {
  test(`${what} is refused where it is`, () => {
    assert.throws(
      () => responsesWire.understand({ input: [item] }),
      ({ field: named }: { field?: string }) => named === field,
    );
  });
}
