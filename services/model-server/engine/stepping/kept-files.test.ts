/** States in files, on real llama.cpp: what an engine evaluated, the next one need not. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { writeNoiseLora } from "../../../../test/support/noise-lora.ts";
import { TestEngine } from "../../fixtures/engine.ts";

const LONG = "the quick brown fox jumps over the lazy dog ".repeat(20);

suite("prompts in files", { timeout: 120_000 }, () => {
  test("are there for the next engine, for the same tenant, weights and settings", async () => {
    await using folder = await TemporaryFolder.create();
    const weights = folder.file("tiny.gguf");
    const directory = folder.file("prompts");
    await writeTinyChatModel(weights, { contextLength: 2048 });
    const settings = { contextTokens: 1024, slots: 2, promptCacheMiB: 0 };
    const disk = { ...settings, promptCacheDisk: { directory, maxMiB: 64 } };
    const request = { text: LONG, maxTokens: 8, tenant: "alice" };

    const first = await TestEngine.load(weights, disk);
    const before = await first.ask(request);
    await untilFiles(directory, 1);
    first.loaded.unload();

    const second = await TestEngine.load(weights, disk);
    const stranger = await second.ask({ ...request, tenant: "bob" });
    assert.equal(stranger.usage?.cachedTokens, 0);
    const again = await second.ask(request);
    const { promptTokens = 0, cachedTokens } = again.usage ?? {};
    assert.equal(cachedTokens, promptTokens - 1);
    assert.deepEqual(again.texts, before.texts);
    await untilFiles(directory, 2);
    second.loaded.unload();

    const other = await TestEngine.load(weights, { ...disk, kvCacheType: "bf16" });
    assert.equal((await other.ask(request)).usage?.cachedTokens, 0);
    await untilFiles(directory, 3);
    other.loaded.unload();
  });

  test("are there for the same adapter, and for no other", async () => {
    await using folder = await TemporaryFolder.create();
    const weights = folder.file("tiny.gguf");
    const directory = folder.file("prompts");
    await writeTinyChatModel(weights, { contextLength: 2048 });
    const ids = ["tone", "style"];
    for (const [seed, id] of ids.entries()) await writeNoiseLora(folder.file(id), { seed });
    const adapters = ids.map((id) => ({ id, path: folder.file(id), scale: 1 }));
    const disk = { contextTokens: 1024, slots: 1, promptCacheDisk: { directory, maxMiB: 64 } };
    const request = { text: LONG, maxTokens: 8 };
    const first = await TestEngine.load(weights, disk, { adapters });
    const before = await first.ask({ ...request, adapter: "tone" });
    await untilFiles(directory, 1);
    first.loaded.unload();

    const renamed = adapters.map((one) => ({ ...one, id: `${one.id}-2` }));
    const second = await TestEngine.load(weights, disk, { adapters: renamed });
    const other = await second.ask({ ...request, adapter: "style-2" });
    assert.equal(other.usage?.cachedTokens, 0);
    assert.equal((await second.ask(request)).usage?.cachedTokens, 0);
    const again = await second.ask({ ...request, adapter: "tone-2" });
    assert.ok((again.usage?.cachedTokens ?? 0) > 100);
    assert.deepEqual(again.texts, before.texts);
    // Also those that the only slot had to forget before they were in a file.
    await untilFiles(directory, 3);
    second.loaded.unload();
  });

  test("are evaluated where the file is not what was written", async () => {
    await using folder = await TemporaryFolder.create();
    const weights = folder.file("tiny.gguf");
    const directory = folder.file("prompts");
    await writeTinyChatModel(weights, { contextLength: 2048 });
    const disk = { contextTokens: 1024, slots: 1, promptCacheDisk: { directory, maxMiB: 64 } };
    const request = { text: LONG, maxTokens: 8 };
    const first = await TestEngine.load(weights, disk);
    const before = await first.ask(request);
    const [name = ""] = await untilFiles(directory, 1);
    first.loaded.unload();
    const file = path.join(directory, name);
    const bytes = await readFile(file);
    bytes.fill(0xff, bytes.length - 2000, bytes.length - 1000);
    await writeFile(file, bytes);

    const second = await TestEngine.load(weights, disk);
    const after = await second.ask(request);
    assert.equal(after.usage?.cachedTokens, 0);
    assert.deepEqual(after.texts, before.texts);
    await untilFiles(directory, 1);
    second.loaded.unload();
  });
});

async function untilFiles(folder: string, count: number): Promise<readonly string[]> {
  for (;;) {
    const names = await readdir(folder).catch(() => []);
    const states = names.filter((name) => name.endsWith(".state"));
    if (states.length >= count) return states;
    await pause(20);
  }
}
