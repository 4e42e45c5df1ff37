import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contextLengthExceeded, invalidRequest } from "@localmodel/inference/refusals.ts";
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import { textOf } from "@localmodel/inference/picture.ts";
import { fitted } from "./fitted-prompt.ts";

type Role = "system" | "user" | "assistant" | "tool";

const conversation = fc.array(
  fc.record({
    role: fc.constantFrom<Role>("system", "user", "assistant", "tool"),
    content: fc.string({ minLength: 1, maxLength: 9 }),
  }),
  { minLength: 1, maxLength: 40 },
);

function lengthOf(messages: readonly TemplateMessage[]): number {
  return messages.reduce((sum, { content }) => sum + textOf(content).length, 0);
}

/** Encodes by counting characters. */
function encoder(limit: number) {
  const tried: (readonly TemplateMessage[])[] = [];
  const encode = ({ messages }: { readonly messages: readonly TemplateMessage[] }) => {
    tried.push(messages);
    const prompt = lengthOf(messages);
    return prompt > limit
      ? Promise.reject(contextLengthExceeded({ limit, prompt }))
      : Promise.resolve(messages);
  };
  return { encode, tried };
}

test("what fits is left whole, and is encoded once", async () => {
  const messages = [{ role: "user", content: "abc" }];
  const { encode, tried } = encoder(3);
  assert.deepEqual(await fitted({ kind: "chat", messages }, encode), messages);
  assert.equal(tried.length, 1);
});

test("the oldest messages go, as few as possible, and instructions stay", async () => {
  await fc.assert(
    fc.asyncProperty(conversation, fc.nat(200), async (messages, limit) => {
      const { encode, tried } = encoder(limit);
      const rest = await fitted({ kind: "chat", messages }, encode).catch(() => undefined);
      const first = messages.findIndex(({ role }) => role !== "system");
      const instructions = messages.slice(0, first === -1 ? messages.length : first);
      // Every rest that may be left, looked at one by one.
      const allowed = [...messages.keys(), messages.length]
        .filter((at) => at === instructions.length || (at > first && first !== -1))
        .filter((at) => at === instructions.length || (messages[at]?.role ?? "tool") !== "tool")
        .map((at) => [...instructions, ...messages.slice(at)]);
      const expected = allowed.find((one) => lengthOf(one) <= limit);
      assert.deepEqual(rest, expected);
      assert.ok(tried.length <= 2 + Math.ceil(Math.log2(messages.length + 1)), `${tried.length}`);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 100) },
  );
});

const objecting = () => Promise.reject(invalidRequest("messages", "The template objects."));

test("a refusal for anything else is told as it is", async () => {
  const messages = [{ role: "user", content: "abc" }];
  await assert.rejects(fitted({ kind: "chat", messages }, objecting), /The template objects/);
});

test("what does not fit without anything is refused as a whole", async () => {
  const messages = ["aaaa", "bbbbbb"].map((content) => ({ role: "user", content }));
  await assert.rejects(fitted({ kind: "chat", messages }, encoder(3).encode), /10 tokens/);
});

test("pictures go with their messages, and those that stay are numbered anew", async () => {
  const pictures = ["a", "b", "c"].map((sha256) => {
    return { width: 1, height: 1, rgb: new Uint8Array(3), sha256, field: "" };
  });
  const messages = pictures.map((_, picture) => ({
    role: "user",
    content: [
      { type: "text" as const, text: "12345" },
      { type: "image" as const, picture },
    ],
  }));
  const { encode } = encoder(10);
  const encoded: string[][] = [];
  await fitted({ kind: "chat", messages, pictures }, (prompt) => {
    const { pictures: shown = [] } = prompt;
    const named = prompt.messages.flatMap(({ content }) =>
      typeof content === "string"
        ? []
        : content.flatMap((part) =>
            part.type === "image" ? (shown[part.picture]?.sha256 ?? "") : [],
          ),
    );
    assert.equal(shown.length, named.length);
    encoded.push(named);
    return encode(prompt);
  });
  assert.deepEqual(encoded.at(-1), ["b", "c"]);
});
