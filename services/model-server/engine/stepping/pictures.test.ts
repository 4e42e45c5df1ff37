/** Chats with pictures on real llama.cpp: in the same slots and steps as text. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { GenerateRequest, TemplateMessage } from "@localmodel/inference/generate.ts";
import type { ContentPart, Picture } from "@localmodel/inference/picture.ts";
import { Projector } from "@localmodel/llama/vision/projector.ts";
import {
  GRID,
  pictureOf,
  pictureOfColour,
  pictureOfText,
} from "../../../../test/support/glyphs.ts";
import { readEmbeddingRows } from "../../../../test/support/embedding-rows.ts";
import {
  writePlanarProjector,
  writeRowsProjector,
  writeTiledProjector,
  writeWholeProjector,
} from "../../../../test/support/noise-projectors.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import { type SeeingModel, writeSeeingModel } from "../../../../test/support/seeing-models.ts";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { GREEDY } from "../../fixtures/sampling.ts";
import { encodePrompt } from "../prompt/prompt.ts";
import { Slots } from "./slots.ts";

const SLOTS = 4;
const CONTEXT_TOKENS = 512;
const ROWS = GRID ** 2;
const LONG_TEXT = "the quick brown fox jumps over the lazy dog ".repeat(10);

type Chat = {
  readonly messages: readonly TemplateMessage[];
  readonly pictures: readonly Picture[];
};

/** A message of a user, in which pictures stand between texts. */
function chat(...said: readonly (string | Picture)[]): Chat {
  const pictures: Picture[] = [];
  const content = said.map((one): ContentPart => {
    if (typeof one === "string") return { type: "text", text: one };
    return { type: "image", picture: pictures.push(one) - 1 };
  });
  return { messages: [{ role: "user", content }], pictures };
}

function asking(asked: Chat, more: Partial<GenerateRequest> = {}): Partial<GenerateRequest> {
  return { prompts: [{ kind: "chat", ...asked }], maxTokens: 12, ...more };
}

/** As many rows that of three requests there is no room for the third's. */
function many(names: string): Chat {
  return chat(...Array.from(names, (name) => pictureOfText([name, names])), "?");
}

suite("a chat with pictures", { timeout: 120_000 }, () => {
  let engine: TestEngine;
  let model: SeeingModel;
  let folder: TemporaryFolder;

  before(async () => {
    folder = await TemporaryFolder.create();
    model = await writeSeeingModel(folder);
    const { projectorPath } = model;
    const options = { slots: SLOTS, contextTokens: CONTEXT_TOKENS, promptCacheMiB: 64 };
    engine = await TestEngine.load(model.weightsPath, options, { projectorPath });
  });

  after(async () => {
    engine.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  /** The same prompt with the tokens that the rows are to this model. */
  async function spelled(asked: Chat, read: readonly string[]): Promise<readonly number[]> {
    const limit = { contextTokens: CONTEXT_TOKENS };
    const prompt = { kind: "chat", ...asked } as const;
    const { tokens } = await encodePrompt(prompt, engine.loaded.tokenizer, limit);
    const seen = read.join("");
    let row = 0;
    return tokens.map((token) => (token < 0 ? model.tokenOf(seen[row++] ?? "") : token));
  }

  test("is answered as if what is in its pictures had been written there", async () => {
    const asked = chat("First ", pictureOfText(["HELLO"]), "then ", pictureOfColour("red"), "say?");
    const read = ["HELLO", " ".repeat(ROWS - 5), "r".repeat(ROWS)];
    const tokens = await spelled(asked, read);
    const seen = await engine.ask(asking(asked, { tenant: "seen" }));
    const said = await engine.ask({
      prompts: [{ kind: "tokens", tokens }],
      maxTokens: 12,
      tenant: "read",
    });
    assert.equal(seen.error, undefined);
    assert.deepEqual(seen.texts, said.texts);
    assert.equal(seen.usage?.promptTokens, tokens.length);
    assert.ok(tokens.length > 2 * ROWS);
  });

  test("has the model's own capability told", () => {
    assert.ok(engine.loaded.facts.capabilities.includes("vision"));
  });

  test("evaluates only what a conversation adds, and all from the first picture that differs", async () => {
    const [one, other] = [pictureOfText(["ONE"]), pictureOfText(["TWO"])];
    const tenant = "turns";
    const first = await engine.ask(asking(chat("See ", one, "and?"), { tenant, maxTokens: 1 }));
    assert.equal(first.usage?.cachedTokens, 0);
    const again = await engine.ask(asking(chat("See ", one, "and?"), { tenant, maxTokens: 1 }));
    assert.equal(again.usage?.cachedTokens, (first.usage?.promptTokens ?? 0) - 1);
    const more = await engine.ask(asking(chat("See ", one, "and ", other, "!"), { tenant }));
    assert.ok((more.usage?.cachedTokens ?? 0) > ROWS, "keeps the picture that both begin with");
    const differs = await engine.ask(asking(chat("See ", other, "and?"), { tenant }));
    assert.ok((differs.usage?.cachedTokens ?? 0) < ROWS, "shares nothing behind another picture");
    const fresh = await engine.ask(
      asking(chat("See ", one, "and ", other, "!"), { tenant: "new" }),
    );
    assert.deepEqual(more.texts, fresh.texts);
    const secret = await engine.ask(asking(chat("See ", one, "and?"), { tenant: "others" }));
    assert.equal(secret.usage?.cachedTokens, 0);
  });

  test("is not looked at again where a conversation goes on, whatever was looked at since", async (t) => {
    const encode = t.mock.method(Projector.prototype, "encode");
    const asked = ["See ", pictureOfText(["AGAIN"]), "and?"] as const;
    const tenant = "again";
    const first = await engine.ask(asking(chat(...asked), { tenant, maxTokens: 1 }));
    assert.equal(first.error, undefined);
    assert.equal(encode.mock.callCount(), 1);
    for (const names of ["ABCDEF", "GHIJKL", "MNOPQR"]) {
      const { error } = await engine.ask(asking(many(names), { tenant: "others", maxTokens: 1 }));
      assert.equal(error, undefined);
    }
    assert.equal(encode.mock.callCount(), 19);
    const more = await engine.ask(asking(chat(...asked, "And more?"), { tenant }));
    assert.ok((more.usage?.cachedTokens ?? 0) > ROWS);
    assert.equal(encode.mock.callCount(), 19);
    const fresh = await engine.ask(asking(chat(...asked, "And more?"), { tenant: "not before" }));
    assert.equal(encode.mock.callCount(), 20, "nothing but the slot had it");
    assert.deepEqual([more.error, fresh.error], [undefined, undefined]);
  });

  test("is looked at when its slot turns out to hold less than was expected", async (t) => {
    const asked = asking(chat("See ", pictureOfText(["LOST"]), "?"), { choicesPerPrompt: 2 });
    const encode = t.mock.method(Projector.prototype, "encode");
    t.mock.method(Slots.prototype, "reusable", () => CONTEXT_TOKENS);
    const lost = await engine.ask({ ...asked, tenant: "lost" });
    assert.equal(lost.error, undefined);
    assert.equal(lost.usage?.completionTokens, 2 * 12);
    assert.equal(encode.mock.callCount(), 1);
    assert.deepEqual(engine.broken, []);
  });

  test("waits for room where others have more rows than there is", async () => {
    const all = ["STUVWX", "YZABCD", "EFGHIJ", "KLMNOP"].map((names) =>
      engine.ask(asking(many(names), { tenant: names })),
    );
    for (const { error, usage } of await Promise.all(all)) {
      assert.equal(error, undefined);
      assert.ok((usage?.promptTokens ?? 0) > 6 * ROWS);
    }
  });

  test("says the same in company, and lets streams of text go on", async () => {
    const asked = asking(chat(pictureOfText(["ALONE"]), "?"), { tenant: "alone" });
    const alone = await engine.ask(asked);
    const company = [0, 1].map((index) => engine.ask({ text: `Tale ${index}`, maxTokens: 100 }));
    const seen = engine.ask({ ...asked, tenant: "company" });
    const others = engine.ask(asking(chat("b", pictureOfColour("blue"), LONG_TEXT)));
    const [answer, ...rest] = await Promise.all([seen, others, ...company]);
    assert.deepEqual(answer?.texts, alone.texts);
    for (const { usage } of rest) assert.ok((usage?.completionTokens ?? 0) > 0);
    assert.deepEqual(engine.broken, []);
  });

  test("is evaluated once for all of its choices", async () => {
    const { events, usage } = await engine.ask(
      asking(chat(pictureOfText(["CHOICE"]), "?"), { choicesPerPrompt: 3, tenant: "choices" }),
    );
    const cached = events.flatMap((one) => (one.type === "started" ? one.cachedTokens : []));
    const all = (usage?.promptTokens ?? 0) - 1;
    assert.deepEqual(cached, [0, all, all]);
  });

  test("is shown to readers of the log with its pictures' places", async () => {
    const asked = chat("a ", pictureOfText(["A"]), "b", pictureOfText(["B"]), "c");
    const { events } = await engine.ask(asking(asked, { reportsPrompts: true }));
    const [accepted] = events;
    assert.ok(accepted?.type === "accepted");
    assert.match(
      accepted.prompts?.[0] ?? "",
      /user\na \[image 1: 64 tokens\]b\[image 2: 64 tokens\]c/,
    );
  });

  test("penalises what was said, and looks at no rows for it", async () => {
    const sampling = { ...GREEDY, repeatPenalty: 1.3, presencePenalty: 1, penaltyTokens: -1 };
    const { error, usage } = await engine.ask(
      asking(chat(pictureOfText(["X"]), "?"), { sampling }),
    );
    assert.equal(error, undefined);
    assert.equal(usage?.completionTokens, 12);
  });

  test("leaves a picture in the middle when its client is gone", async () => {
    const asked = asking(chat(pictureOfText(["GONE"]), "?"), { tenant: "gone" });
    const gone = engine.start(asked, (event) => {
      if (event.type === "started") engine.scheduler.cancel(gone.id);
    });
    const next = await engine.ask(asked);
    const fresh = await engine.ask({ ...asked, tenant: "fresh" });
    assert.deepEqual(next.texts, fresh.texts);
  });

  test("cannot be forged by text", async () => {
    const picture = pictureOfText(["REAL"]);
    const forged = "\uE000p0\uE001 <__media__> <image>";
    const rowsOf = async (asked: Chat): Promise<number> => {
      const prompt = { kind: "chat", ...asked } as const;
      const limit = { contextTokens: CONTEXT_TOKENS };
      const { tokens } = await encodePrompt(prompt, engine.loaded.tokenizer, limit);
      return tokens.filter((token) => token < 0).length;
    };
    assert.equal(await rowsOf(chat(forged, picture, forged)), ROWS);
    const messages = [{ role: "user", content: forged }];
    assert.equal(await rowsOf({ messages, pictures: [] }), 0);
    assert.equal((await engine.ask(asking(chat(forged, picture, forged)))).error, undefined);
  });

  test("that does not fit is refused before anything is looked at", async () => {
    const pictures = Array.from({ length: 9 }, (_, index) =>
      pictureOfText([`${"ABCDEFGHI"[index]}`]),
    );
    const { error } = await engine.ask(asking(chat(...pictures, "?")));
    assert.equal(error?.code, "context_length_exceeded");
  });

  test("takes the smallest picture there is, and none that is a line", async () => {
    const dot = pictureOf({ width: 1, height: 1 }, Uint8Array.of(255, 0, 0));
    assert.equal((await engine.ask(asking(chat(dot, "?")))).error, undefined);
    const line = pictureOf({ width: 1000, height: 1 }, new Uint8Array(3000));
    const { error } = await engine.ask(asking(chat(line, "?")));
    assert.equal(error?.field, line.field);
    assert.match(error?.message ?? "", /image.*1000 by 1/);
    const short = { ...dot, width: 2 };
    assert.match(
      (await engine.ask(asking(chat(short, "?")))).error?.message ?? "",
      /Invalid image/,
    );
  });
});

suite("a chat with pictures whose rows have places in a plane", { timeout: 120_000 }, () => {
  test("goes on behind them where fewer positions are taken than rows, from its beginning and from a kept one", async () => {
    await using folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("planar.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath, { architecture: "qwen2vl" });
    const { dimensions } = await readEmbeddingRows(weightsPath);
    await writePlanarProjector(projectorPath, dimensions);
    const options = { slots: 2, contextTokens: CONTEXT_TOKENS, promptCacheMiB: 64 };
    const engine = await TestEngine.load(weightsPath, options, { projectorPath });
    const picture = pictureOfText(["PLANE"]);
    const layout = await engine.loaded.tokenizer.pictures?.layout(picture, undefined);
    const rows = layout?.flatMap((part) => (part.kind === "rows" ? [part] : []));
    assert.ok(rows !== undefined && rows.every(({ positions, rows: count }) => positions < count));
    const long = chat("a ", picture, "b ", pictureOfColour("red"), `c ${LONG_TEXT}`);
    const fresh = await engine.ask(asking(long, { tenant: "fresh" }));
    assert.equal(fresh.error, undefined);
    // The beginning of one conversation, kept through others in all slots, and gone on with in another step.
    const begun = chat("a ", picture, "b ", pictureOfColour("red"), "d");
    await engine.ask(asking(begun, { tenant: "kept" }));
    await Promise.all(
      ["x", "y"].map((text) =>
        engine.ask(asking(chat(text, picture, LONG_TEXT), { tenant: text })),
      ),
    );
    const kept = await engine.ask(asking(long, { tenant: "kept" }));
    assert.ok((kept.usage?.cachedTokens ?? 0) > 2 * (rows[0]?.rows ?? 0));
    assert.deepEqual(kept.texts, fresh.texts);
    const [one, other] = await Promise.all(
      ["one", "other"].map((tenant) => engine.ask(asking(long, { tenant }))),
    );
    assert.deepEqual([one?.texts, other?.texts], [fresh.texts, fresh.texts]);
    assert.deepEqual(engine.broken, []);
    engine.loaded.unload();
  });
});

suite("a chat with pictures whose rows attend to each other", { timeout: 120_000 }, () => {
  test("evaluates each picture at once, also in company, and says the same behind a kept beginning", async () => {
    await using folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath);
    const { dimensions } = await readEmbeddingRows(weightsPath);
    await writeWholeProjector(projectorPath, dimensions);
    const options = { slots: 2, contextTokens: CONTEXT_TOKENS };
    const engine = await TestEngine.load(weightsPath, options, { projectorPath });
    const asked = chat("a ", pictureOfText(["WHOLE"]), "b ", pictureOfColour("red"), LONG_TEXT);
    const alone = await engine.ask(asking(asked, { tenant: "alone" }));
    assert.equal(alone.error, undefined);
    const kept = await engine.ask(asking(asked, { tenant: "alone" }));
    assert.equal(kept.usage?.cachedTokens, (kept.usage?.promptTokens ?? 0) - 1);
    const stream = engine.ask({ text: "Tale", maxTokens: 60 });
    const company = await engine.ask(asking(asked, { tenant: "company" }));
    assert.deepEqual(kept.texts, alone.texts);
    // Weights of 32 bits: a token is computed by other kernels alone than among others.
    assert.equal(company.usage?.completionTokens, alone.usage?.completionTokens);
    assert.equal((await stream).usage?.completionTokens, 60);
    assert.deepEqual(engine.broken, []);
    engine.loaded.unload();
  });

  test("is refused where a picture is more than a step takes", async () => {
    await using folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath);
    const { dimensions } = await readEmbeddingRows(weightsPath);
    await writeWholeProjector(projectorPath, dimensions);
    const options = { slots: 1, contextTokens: CONTEXT_TOKENS, batchTokens: 16 };
    const engine = await TestEngine.load(weightsPath, options, { projectorPath });
    const { error } = await engine.ask(asking(chat(pictureOfText(["WHOLE"]), "?")));
    assert.match(error?.message ?? "", /at most 16: raise engine\.batchTokens/);
    engine.loaded.unload();
  });
});

suite(
  "a chat with pictures, with a model that cannot go back in its cache",
  { timeout: 120_000 },
  () => {
    test("is evaluated for each of its choices, and looked at once", async (t) => {
      await using folder = await TemporaryFolder.create();
      const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
      await writeTinyChatModel(weightsPath, { architecture: "cohere2" });
      const { dimensions } = await readEmbeddingRows(weightsPath);
      await writeRowsProjector(projectorPath, dimensions);
      const options = { slots: 2, contextTokens: CONTEXT_TOKENS };
      const engine = await TestEngine.load(weightsPath, options, { projectorPath });
      const encode = t.mock.method(Projector.prototype, "encode");
      const asked = chat("a ", pictureOfText(["WINDOW"]), "b ", pictureOfColour("red"), "?");
      const all = ["one", "other"].map((tenant) =>
        engine.ask(asking(asked, { choicesPerPrompt: 3, tenant })),
      );
      for (const { error, usage } of await Promise.all(all)) {
        assert.equal(error, undefined);
        assert.equal(usage?.completionTokens, 3 * 12);
      }
      assert.equal(encode.mock.callCount(), 2);
      assert.deepEqual(engine.broken, []);
      engine.loaded.unload();
    });
  },
);

/** What the model reads around the tiles of a picture. */
const TILE_TOKENS = ["\n", "\n\n", "<fake_token_around_image>", "<global-img>"];

suite("a chat with pictures that are looked at in tiles", { timeout: 120_000 }, () => {
  test("has their chunks in order, with the model's tokens between, and says the same behind a kept beginning", async () => {
    await using folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath, { control: TILE_TOKENS });
    const { dimensions } = await readEmbeddingRows(weightsPath);
    await writeTiledProjector(projectorPath, dimensions);
    const options = { slots: 2, contextTokens: 2048 };
    const engine = await TestEngine.load(weightsPath, options, { projectorPath });
    const side = 200;
    const large = pictureOf({ width: side, height: side }, new Uint8Array(3 * side ** 2).fill(90));
    const layout = (await engine.loaded.tokenizer.pictures?.layout(large, undefined)) ?? [];
    // Two by two, and one of the whole.
    assert.equal(layout.filter(({ kind }) => kind === "rows").length, 5);
    const asked = chat("a ", large, "b ", pictureOfText(["TILE"]), "c");
    const alone = await engine.ask(asking(asked, { tenant: "alone" }));
    assert.equal(alone.error, undefined);
    const kept = await engine.ask(asking(asked, { tenant: "alone" }));
    assert.equal(kept.usage?.cachedTokens, (kept.usage?.promptTokens ?? 0) - 1);
    assert.deepEqual(kept.texts, alone.texts);
    assert.deepEqual(engine.broken, []);
    engine.loaded.unload();
  });

  test("needs a model that knows these tokens", async () => {
    await using folder = await TemporaryFolder.create();
    const [weightsPath, projectorPath] = [folder.file("tiny.gguf"), folder.file("mmproj.gguf")];
    await writeTinyChatModel(weightsPath);
    const { dimensions } = await readEmbeddingRows(weightsPath);
    await writeTiledProjector(projectorPath, dimensions);
    const options = { slots: 1, contextTokens: 2048 };
    await assert.rejects(
      TestEngine.load(weightsPath, options, { projectorPath }),
      /tokens around what it takes that the model's vocabulary does not have/,
    );
  });
});

suite("a chat with pictures, where the model cannot have them", { timeout: 120_000 }, () => {
  test("is refused by a model without a projector", async () => {
    await using folder = await TemporaryFolder.create();
    const { weightsPath } = await writeSeeingModel(folder);
    const engine = await TestEngine.load(weightsPath, { slots: 1, contextTokens: CONTEXT_TOKENS });
    assert.ok(!engine.loaded.facts.capabilities.includes("vision"));
    const picture = pictureOfText(["A"]);
    const { error } = await engine.ask(asking(chat(picture, "?")));
    assert.equal(error?.code, "model_not_multimodal");
    assert.equal(error?.field, picture.field);
    engine.loaded.unload();
  });

  test("is refused where the template leaves its picture out", async () => {
    await using folder = await TemporaryFolder.create();
    const chatTemplate =
      "{% for m in messages %}{% if m.role == 'user' %}{{ m.content.split('?')[-1] }}{% endif %}{% endfor %}>";
    const { weightsPath, projectorPath } = await writeSeeingModel(folder, { chatTemplate });
    const options = { slots: 1, contextTokens: CONTEXT_TOKENS };
    const engine = await TestEngine.load(weightsPath, options, { projectorPath });
    const { error } = await engine.ask(asking(chat(pictureOfText(["A"]), "?", "so")));
    assert.match(error?.message ?? "", /leaves out the image/);
    engine.loaded.unload();
  });

  test("is rendered by a template that takes nothing but parts", async () => {
    await using folder = await TemporaryFolder.create();
    const chatTemplate =
      "{% for m in messages %}<|im_start|>{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>{% endfor %}>";
    const { weightsPath, projectorPath } = await writeSeeingModel(folder, { chatTemplate });
    const options = { slots: 1, contextTokens: CONTEXT_TOKENS };
    const engine = await TestEngine.load(weightsPath, options, { projectorPath });
    const { error, usage } = await engine.ask(asking(chat("a", pictureOfText(["A"]), "b")));
    assert.equal(error, undefined);
    assert.ok((usage?.promptTokens ?? 0) > ROWS);
    engine.loaded.unload();
  });
});
