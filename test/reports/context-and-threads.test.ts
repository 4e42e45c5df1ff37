/** What a model gets of a machine when nobody says it, and how people who need more are told where to ask. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { LocalMode } from "../support/local-mode.ts";
import { sampleGguf } from "../support/sample-gguf.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const SERVICES = path.join(import.meta.dirname, "../../services/local");
const MAIN = path.join(SERVICES, "main.ts");
const WITHOUT_MODELS = path.join(SERVICES, "fixtures/local.ts");

async function folderFor(t: TestContext): Promise<TemporaryFolder> {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  return folder;
}

async function ask(local: LocalMode, id: string, content: string): Promise<Response> {
  return fetch(`${await local.url()}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: id, max_tokens: 1, messages: [{ role: "user", content }] }),
  });
}

test("a model takes prompts as long as it was trained for, and a shorter context is told with the field that sets it", async (t) => {
  const folder = await folderFor(t);
  await writeTinyChatModel(folder.file("long.gguf"), { contextLength: 6000 });
  const file = folder.file("long.gguf");
  await using whole = new LocalMode({ main: MAIN, arguments: [file, "--port", "0"] });
  await whole.says(/^long: ready as long; .*; 4 slots of 6000 tokens; /m);
  await using short = new LocalMode({
    main: MAIN,
    arguments: [file, "--port", "0", "--context", "512", "--slots", "2"],
  });
  await short.says(
    /2 slots of 512 tokens \(of 6000 it was trained for; set by spec\.engine\.contextTokens, or --context\)/,
  );
  const prompt = "word ".repeat(1000);
  assert.equal((await ask(whole, "long", prompt)).status, 200);
  const refused = await ask(short, "long", prompt);
  assert.equal(refused.status, 400);
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, "context_length_exceeded");
  assert.match(
    error.message,
    /maximum context length is 512 tokens.*spec\.engine\.contextTokens.*--context/,
  );
});

test("models that share a machine leave a thread to others, and one by itself takes all", async (t) => {
  const folder = await folderFor(t);
  const spared = async (...ids: readonly [string, ...string[]]): Promise<number> => {
    const [id] = ids;
    await using local = new LocalMode({
      main: WITHOUT_MODELS,
      arguments: [...ids.map((one) => folder.file(`${one}.gguf`)), "--port", "0"],
    });
    await local.says(new RegExp(`^${id}: ready`, "m"));
    return ((await (await ask(local, id, "a")).json()) as { sparedThreads: number }).sparedThreads;
  };
  await writeFile(folder.file("one.gguf"), sampleGguf());
  await writeFile(folder.file("two.gguf"), sampleGguf({ seed: 2 }));
  assert.equal(await spared("one"), 0);
  assert.equal(await spared("one", "two"), 1);
});
