import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf } from "../../../test/support/refusal.ts";
import { chatWire } from "../chat/chat-wire.ts";
import { completionWire } from "../completions/completion-wire.ts";
import { responsesWire } from "../responses/responses-wire.ts";

const asking: Record<string, (more: object) => { readonly usesPromptCache?: boolean }> = {
  chats: (more) => chatWire.understand({ messages: [{ role: "user", content: "a" }], ...more }).ask,
  completions: (more) => completionWire.understand({ prompt: "a", ...more }).ask,
  responses: (more) => responsesWire.understand({ input: "a", ...more }).ask,
};
for (const [what, ask] of Object.entries(asking)) {
  test(`the cache of prompts is used in ${what} unless a request says that it shall not be`, () => {
    assert.equal(ask({ cache_prompt: false }).usesPromptCache, false);
    for (const habit of [{}, { cache_prompt: true }, { cache_prompt: null }]) {
      assert.equal(ask(habit).usesPromptCache, undefined);
    }
    assert.equal(refusalOf(() => ask({ cache_prompt: "no" })).field, "cache_prompt");
  });
}
