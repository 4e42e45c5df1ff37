import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { smollm2Path } from "../../test/support/smollm2.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { createContext } from "./context.ts";
import { ONE_THREAD } from "./fixtures/generate.ts";
import {
  logged,
  smollm2,
  testLlama,
  tinyChatModel,
  tinyEmbeddingModel,
} from "../../test/support/llama-models.ts";
import { openLlama } from "./llama.ts";
import { loadModel } from "./model.ts";
import { LlamaError, OwnershipError } from "./native/errors.ts";

suite("a model", { timeout: 120_000 }, () => {
  test("says what its file says", async () => {
    const model = await tinyChatModel();
    const metadata = model.metadata();
    assert.equal(metadata.get("general.name"), "Tiny Chat");
    assert.equal(metadata.get("llama.embedding_length"), "64");
    assert.match(model.chatTemplate() ?? "", /add_generation_prompt/);
    assert.equal(model.chatTemplate("tool_use"), undefined);
    const { shape, kind } = model;
    assert.equal(shape.trainContextTokens, 2048);
    assert.equal(shape.embeddingDimensions, 64);
    assert.equal(shape.layers, 2);
    assert.deepEqual([shape.heads, shape.keyValueHeads], [4, 2]);
    assert.ok(shape.parameters > 50_000);
    assert.deepEqual([kind.decoder, kind.encoder, kind.recurrent], [true, false, false]);
    assert.equal(kind.quantization, "F16");
    assert.match(model.description, /llama/);
  });

  test("tells its progress while it loads", async () => {
    const seen: number[] = [];
    const path = await smollm2Path();
    using model = await loadModel(
      await testLlama(),
      { path },
      { onProgress: (progress) => seen.push(progress) },
    );
    assert.ok(seen.length > 10, `${seen.length} times`);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    assert.equal(seen.at(-1), 1);
    assert.equal(model.shape.layers, 30);
  });

  test("stops loading when it is told to", async () => {
    const llama = await testLlama();
    const path = await smollm2Path();
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    let most = 0;
    await assert.rejects(
      loadModel(
        llama,
        { path },
        {
          signal: controller.signal,
          onProgress: (progress) => {
            most = progress;
            if (progress > 0.3) controller.abort(reason);
          },
        },
      ),
      reason,
    );
    assert.ok(most < 0.9, `it had loaded ${most}`);
    await assert.rejects(loadModel(llama, { path }, { signal: AbortSignal.abort(reason) }), reason);
  });

  test("loads its tokenizer alone", async () => {
    const path = await smollm2Path();
    using model = await loadModel(await testLlama(), { path, vocabularyOnly: true });
    assert.equal(model.vocabulary.size, 49_152);
  });

  test("puts tensors where they are wanted, and loads as it is told", async () => {
    const llama = await testLlama();
    const path = await smollm2Path();
    const [cpu] = llama.devices();
    assert.equal(cpu?.kind, "cpu");
    const buffers = async (options: object) => {
      using model = await loadModel(llama, { path, ...options });
      return model.reservations.map(({ buffer }) => buffer);
    };
    assert.deepEqual(await buffers({ loadMode: "mmap", repack: false }), ["CPU_Mapped"]);
    assert.deepEqual(await buffers({ loadMode: "none", repack: false }), ["CPU"]);
    const tensorBuffers = [{ pattern: "blk\\.[0-9]\\.ffn_(up|down|gate)", device: cpu }];
    logged.length = 0;
    await buffers({ tensorBuffers, loadMode: "none" });
    const overridden = logged.filter(({ message }) => /ffn.*overridden/.test(message));
    assert.equal(overridden.length, 30, "ten layers of three tensors");
  });

  test("of a file that is none is refused, and the log says why", async () => {
    const llama = await testLlama();
    await using folder = await TemporaryFolder.create();
    await writeFile(folder.file("broken.gguf"), "GGUF and then nothing of use");
    logged.length = 0;
    await assert.rejects(loadModel(llama, { path: folder.file("broken.gguf") }), LlamaError);
    assert.ok(logged.some(({ level }) => level === "error"));
    await assert.rejects(loadModel(llama, { path: folder.file("none.gguf") }), LlamaError);
  });

  test("takes all that was made from it with it", async () => {
    const path = await smollm2Path();
    const model = await loadModel(await testLlama(), { path });
    const context = await createContext(model, { ...ONE_THREAD, contextTokens: 256 });
    model[Symbol.dispose]();
    model[Symbol.dispose]();
    for (const misuse of [
      () => context.threads,
      () => model.shape,
      () => model.vocabulary.isEnd(0),
      () => model.vocabulary.tokenize("text", { whole: true, control: true }),
    ]) {
      assert.throws(misuse, OwnershipError, String(misuse));
    }
    await assert.rejects(createContext(model, { contextTokens: 256 }), OwnershipError);
    context[Symbol.dispose]();
  });

  test("is what a process opens llama.cpp for once", async () => {
    const llama = await testLlama();
    assert.throws(() => openLlama({ gpu: false, log: () => undefined }), LlamaError);
    assert.match(llama.systemInfo, /CPU/);
    assert.ok(llama.maxSequences >= 64);
    assert.equal(llama.gpu, false);
  });
});

suite("a vocabulary", { timeout: 120_000 }, () => {
  test("takes text apart and puts it together again, whatever its characters", async () => {
    const { vocabulary } = await smollm2();
    for (const text of ["", "Hello, world", "  naïve 日本語 🙂\n\ttab", "a\0b", "x".repeat(3000)]) {
      const tokens = vocabulary.tokenize(text, { whole: false, control: false });
      assert.equal(vocabulary.detokenize(tokens, { control: false }), text);
      const pieces = [...tokens].map((token) => vocabulary.piece(token, { control: false }));
      assert.equal(Buffer.concat(pieces).toString(), text);
    }
  });

  test("reads the texts of control tokens only when it is told to", async () => {
    const { vocabulary } = await tinyChatModel();
    const text = "<|im_start|>hi<|im_end|>";
    const read = vocabulary.tokenize(text, { whole: true, control: true });
    assert.equal(read.at(-1), vocabulary.special.eos);
    assert.ok(read.length < vocabulary.tokenize(text, { whole: true, control: false }).length);
    assert.equal(vocabulary.detokenize(read, { control: true }), text);
    assert.equal(vocabulary.detokenize(read, { control: false }), "hi");
  });

  test("knows what its tokens are", async () => {
    const { vocabulary } = await tinyChatModel();
    const { bos = -1, eos = -1, fimPrefix = -1 } = vocabulary.special;
    assert.equal(vocabulary.text(eos), "<|im_end|>");
    assert.equal(vocabulary.text(fimPrefix), "<|fim_prefix|>");
    assert.deepEqual([...vocabulary.attributes(bos)], ["control"]);
    assert.deepEqual([vocabulary.isEnd(eos), vocabulary.isControl(eos)], [true, true]);
    const [letter = -1] = vocabulary.tokenize("a", { whole: false, control: false });
    assert.deepEqual([vocabulary.isEnd(letter), vocabulary.isControl(letter)], [false, false]);
    assert.deepEqual([...vocabulary.attributes(letter)], ["normal"]);
    assert.equal(vocabulary.kind, "bpe");
    assert.equal(vocabulary.special.mask, undefined);
    assert.deepEqual(vocabulary.adds, { bos: false, eos: false, sep: false });
  });

  test("puts around a text what the model wants there", async () => {
    const { vocabulary } = await tinyEmbeddingModel();
    assert.equal(vocabulary.kind, "wpm");
    const whole = vocabulary.tokenize("the", { whole: true, control: false });
    const { bos, sep } = vocabulary.special;
    assert.deepEqual([whole.at(0), whole.at(-1)], [bos, sep]);
    assert.equal(
      vocabulary.tokenize("the", { whole: false, control: false }).length,
      whole.length - 2,
    );
  });
});
