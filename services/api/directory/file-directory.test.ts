/** Models from a file that somebody edits while the service runs. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { createLogger } from "@localmodel/service/log/log.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { fileDirectory } from "./file-directory.ts";
import { chat, errorOf, gateway } from "../fixtures/gateway.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";

test("a model is served from the moment its file names it, and gone when it does not", async (t) => {
  await using folder = await TemporaryFolder.create();
  const file = folder.file("models.yaml");
  const { url } = await upstream(t, answer(json({ object: "chat.completion" })));
  await writeFile(file, "models: []");
  using directory = await fileDirectory(file, createLogger("api", { stream: { write: () => {} } }));
  const { url: api } = await gateway(t, [], { directory });
  const ask = () => chat(api, { model: "small", messages: [{ role: "user", content: "Hello" }] });

  assert.equal((await errorOf(await ask())).code, "model_not_found");
  const models = [{ id: "chat", aliases: ["small"], endpoints: [url] }];
  await writeFile(file, JSON.stringify({ models }));
  await t.waitFor(async () => assert.equal((await ask()).status, 200), { timeout: 20_000 });
  const listed = (await (await fetch(`${api}/v1/models`)).json()) as { data: { id: string }[] };
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    ["chat"],
  );
  await writeFile(file, "models: []");
  await t.waitFor(async () => assert.equal((await ask()).status, 404), { timeout: 20_000 });
});
