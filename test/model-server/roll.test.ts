/** A roll as clients see it: the next server is there, theirs is told to end, and their streams are open. Real processes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, model } from "../../services/api/fixtures/gateway.ts";
import { ModelServer } from "../support/model-server.ts";
import { eventsOf, post } from "../support/raw-request.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const STREAMS = 100;
/** As long as a chat without a limit of its own becomes. */
const CONTEXT_TOKENS = 320;

test("of a hundred streams that are open when their server is told to end, none is cut", async (t) => {
  await using folder = await TemporaryFolder.create();
  const weightsPath = folder.file("tiny.gguf");
  await writeTinyChatModel(weightsPath, { contextLength: CONTEXT_TOKENS });
  const options = {
    weightsPath,
    drainTimeoutMs: 600_000,
    engine: { slots: STREAMS, contextTokens: CONTEXT_TOKENS },
  };
  await using old = await ModelServer.ready(options);
  await using next = await ModelServer.ready(options);
  const served = (...servers: readonly ModelServer[]) => [
    model(old.modelId, { endpoints: servers.map(({ url }) => url), slots: STREAMS }),
  ];
  const api = await gateway(t, served(old));
  const ask = async (content: string) => {
    const messages = [{ role: "user", content }];
    const body = { model: old.modelId, messages, ignore_eos: true, stream: true };
    const answer = await post(`${api.url}/v1/chat/completions`, body);
    assert.equal(answer.status, 200);
    const events = eventsOf(answer.body);
    await events.next();
    return events;
  };

  const streams = await Promise.all(
    Array.from({ length: STREAMS }, (_, number) => ask(`water ${number}`)),
  );
  let ended = 0;
  const read = streams.map(async (events) => {
    const told = await Array.fromAsync(events);
    ended += 1;
    return told.at(-1);
  });
  api.setModels(served(old, next));
  old.process.kill("SIGTERM");
  await old.until(({ state }) => state === "draining");
  assert.ok(ended < STREAMS, "all have come to their ends before");
  // Whoever comes meanwhile is sent on to the other one.
  const later = await Array.fromAsync(await ask("town"));
  assert.equal(later.at(-1), "[DONE]");
  assert.deepEqual(
    await Promise.all(read),
    streams.map(() => "[DONE]"),
  );
  assert.equal((await old.exit()).code, 0);
});
