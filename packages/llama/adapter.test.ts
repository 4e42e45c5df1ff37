import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { writeNoiseLora } from "../../test/support/noise-lora.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { loadAdapter } from "./adapter.ts";
import { createContext } from "./context.ts";
import { evaluate, ONE_THREAD } from "./fixtures/generate.ts";
import { smollm2, tinyChatModel } from "../../test/support/llama-models.ts";
import { LlamaError, OwnershipError } from "./native/errors.ts";

suite("an adapter", { timeout: 120_000 }, () => {
  test("changes what a context computes while it is set, as much as its scale says", async () => {
    const model = await tinyChatModel();
    await using folder = await TemporaryFolder.create();
    const [one, two] = await Promise.all(
      [1, 2].map(async (seed) => {
        const path = folder.file(`${seed}.gguf`);
        await writeNoiseLora(path, { seed });
        return loadAdapter(model, path);
      }),
    );
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(one.metadata().get("adapter.type"), "lora");
    assert.equal(one.invocationTokens().length, 0);
    using context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    const logitsWith = async (...adapters: Parameters<typeof context.setAdapters>[0][number][]) => {
      context.setAdapters(adapters);
      context.sequences.clear();
      const [logits] = await evaluate(context, [{ sequence: 0, tokens: [5, 6, 7, 8] }]);
      return [...(logits ?? [])];
    };
    const plain = await logitsWith();
    const first = await logitsWith({ adapter: one, scale: 1 });
    assert.notDeepEqual(first, plain);
    assert.notDeepEqual(await logitsWith({ adapter: two, scale: 1 }), first);
    assert.notDeepEqual(await logitsWith({ adapter: one, scale: 0.5 }), first);
    const both = await logitsWith({ adapter: one, scale: 1 }, { adapter: two, scale: 1 });
    assert.notDeepEqual(both, first);
    assert.deepEqual(await logitsWith({ adapter: one, scale: 1 }), first);
    assert.deepEqual(await logitsWith(), plain);
  });

  test("cannot be freed while a context has it set, nor used afterwards", async () => {
    const model = await tinyChatModel();
    await using folder = await TemporaryFolder.create();
    await writeNoiseLora(folder.file("lora.gguf"));
    const adapter = await loadAdapter(model, folder.file("lora.gguf"));
    const context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    context.setAdapters([{ adapter, scale: 1 }]);
    assert.throws(() => adapter[Symbol.dispose](), OwnershipError);
    context.setAdapters([]);
    context.setAdapters([{ adapter, scale: 1 }]);
    context[Symbol.dispose]();
    adapter[Symbol.dispose]();
    adapter[Symbol.dispose]();
    using other = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    assert.throws(() => other.setAdapters([{ adapter, scale: 1 }]), OwnershipError);
    assert.throws(() => adapter.metadata(), OwnershipError);
  });

  test("for another model is refused", async () => {
    await using folder = await TemporaryFolder.create();
    await writeNoiseLora(folder.file("lora.gguf"));
    await assert.rejects(loadAdapter(await smollm2(), folder.file("lora.gguf")), LlamaError);
    await assert.rejects(loadAdapter(await smollm2(), folder.file("none.gguf")), LlamaError);
    using adapter = await loadAdapter(await tinyChatModel(), folder.file("lora.gguf"));
    using context = await createContext(await smollm2(), { ...ONE_THREAD, contextTokens: 256 });
    assert.throws(() => context.setAdapters([{ adapter, scale: 1 }]), OwnershipError);
  });
});
