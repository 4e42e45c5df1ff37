/**
 * Streams through an ingress: nginx with the settings of a fresh installation, which collects an answer before it
 * passes it on unless the answer itself asks for something else.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { MODEL, NEVER_END, Stack } from "./harness/stack.ts";

/** Of tokens; nginx would hold back several times as many in its buffers. */
const TOKENS = 64;
/** What may come together when a machine is busy. */
const EVENTS_PER_READ_MAX = 8;

suite("the API service behind nginx", () => {
  let stack: Stack;

  before(async () => {
    stack = await Stack.start("ingress", ["model-a"], { ingress: true });
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test("streams token by token", async () => {
    const response = await ask({ stream: true });
    assert.equal(response.status, 200);
    assert.ok(response.body);
    const reads: number[] = [];
    let all = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      reads.push(eventsIn(text));
      all += text;
    }
    // A token may be a part of a character, or of nothing that is shown.
    assert.ok(eventsIn(all) > TOKENS / 2, all);
    assert.match(all, /data: \[DONE\]\n\n$/);
    assert.ok((reads[0] ?? 0) <= EVENTS_PER_READ_MAX, `events by read: ${reads.join()}`);
    assert.ok(reads.length > TOKENS / EVENTS_PER_READ_MAX / 2, `events by read: ${reads.join()}`);
  });

  test("answers whole requests, and errors, in OpenAI's form", async () => {
    const whole = (await (await ask({})).json()) as { usage: { completion_tokens: number } };
    assert.equal(whole.usage.completion_tokens, TOKENS);
    const refused = await ask({ model: "none" });
    assert.equal(refused.status, 404);
    const { error } = (await refused.json()) as { error: { code: string } };
    assert.equal(error.code, "model_not_found");
  });

  function ask(more: object): Promise<Response> {
    return fetch(`${stack.ingressUrl}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: MODEL,
        messages: [{ role: "user", content: "Count." }],
        max_tokens: TOKENS,
        logit_bias: NEVER_END,
        ...more,
      }),
    });
  }
});

function eventsIn(text: string): number {
  return text.split("data: ").length - 1;
}
