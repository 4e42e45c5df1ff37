/**
 * A collector that hangs, and one that is gone: nobody who asks a model may notice, and nothing may pile up.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { chatTree } from "../support/chat-tree.ts";
import { liveHeapBytes } from "./harness/live-heap.ts";
import { MODEL, Stack } from "./harness/stack.ts";
import { newTraceContext } from "../support/trace-context.ts";

const CHAT = {
  model: MODEL,
  messages: [{ role: "user" as const, content: "Name three colours." }],
  temperature: 0,
  max_tokens: 16,
};
const LANES = 16;
/** Spans of so many requests fill every queue. */
const FILLING_REQUESTS = 600;
/** Their spans would take tens of megabytes in each process if they were kept. */
const FURTHER_REQUESTS = 2000;
const GROWTH_MAX_BYTES = 4 * 1024 * 1024;
const SERVICES = ["api", "model-a"] as const;

suite("while the collector of traces", () => {
  let stack: Stack;
  let usual: string | null | undefined;

  const ask = async (headers = {}): Promise<string | null | undefined> =>
    (await stack.client(headers).chat.completions.create(CHAT)).choices[0]?.message.content;

  before(async () => {
    stack = await Stack.start("lost-collector", ["model-a"]);
    usual = await ask();
  });

  after(async () => {
    await stack?.[Symbol.asyncDispose]();
  });

  test("hangs, answers come as ever and memory stays bounded", async () => {
    await stack.freeze("jaeger");
    assert.equal(await ask(), usual);
    await sendRefused(stack.apiUrl, FILLING_REQUESTS);
    const filled = await Promise.all(SERVICES.map((name) => liveHeapBytes(stack.container(name))));
    await sendRefused(stack.apiUrl, FURTHER_REQUESTS);
    for (const [index, name] of SERVICES.entries()) {
      const grownBytes = (await liveHeapBytes(stack.container(name))) - (filled[index] ?? 0);
      assert.ok(grownBytes < GROWTH_MAX_BYTES, `${name} has grown by ${grownBytes} bytes`);
    }
    assert.equal(await ask(), usual);
  });

  test("is back, the traces of new requests arrive", async () => {
    await stack.thaw("jaeger");
    await eventually("a whole trace", async () => {
      const { traceId, headers } = newTraceContext();
      assert.equal(await ask(headers), usual);
      await stack.jaeger.trace(traceId, chatTree(MODEL), { timeoutMs: 3000 });
    });
  });

  test("is gone, answers come as ever and the log says so", async () => {
    await stack.kill("jaeger");
    assert.equal(await ask(), usual);
    await stack.said("api", "telemetry cannot be sent");
    assert.equal(await ask(), usual);
  });
});

/** Requests that the model server refuses: as many spans as any, and no tokens. */
async function sendRefused(apiUrl: string, count: number): Promise<void> {
  const body = JSON.stringify({ model: MODEL, messages: [] });
  const headers = { "content-type": "application/json" };
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await fetch(`${apiUrl}/v1/chat/completions`, {
        method: "POST",
        body,
        headers,
      });
      assert.equal(response.status, 400, await response.text());
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
