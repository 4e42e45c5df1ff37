import assert from "node:assert/strict";
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { after, before, suite, test } from "node:test";
import fc from "fast-check";
import { TemporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { writeTinyChatModel } from "../../../../test/support/tiny-models.ts";
import type { GenerateRequest, Prompt, TemplateMessage } from "@localmodel/inference/generate.ts";
import { ChatTemplate } from "./chat-template.ts";
import { TestEngine } from "../../fixtures/engine.ts";
import { encodePrompt, encodePrompts, type Tokenizer } from "./prompt.ts";
import type { TextLimit } from "./text-tokens.ts";

const LIMIT: TextLimit = { contextTokens: 100 };
const BOS = 1001;
const END = 1002;
const USER_DEFINED = 1003;
const CONTROL = new Map([
  ["<s>", BOS],
  ["<|end|>", END],
]);

/** One token for each character, its code, but one for a control text; `<|turn|>` is one in any text. */
function tokenize(text: string, control: boolean): number[] {
  const tokens: number[] = [];
  for (const [piece] of text.matchAll(/<s>|<\|end\|>|<\|turn\|>|[^]/gu)) {
    const id = piece === "<|turn|>" ? USER_DEFINED : control ? CONTROL.get(piece) : undefined;
    if (id !== undefined) tokens.push(id);
    else tokens.push(...codes(piece));
  }
  return tokens;
}

function codes(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

const TOKENIZER: Tokenizer = {
  tokenize,
  bos: BOS,
  eos: END,
  wantsBos: true,
  infill: { prefix: 2001, suffix: 2002, middle: 2003 },
  cutsAtSpaces: true,
  longestTokenBytes: 8,
  template: undefined,
};

function chatTokenizer(source: string): Tokenizer {
  const template = new ChatTemplate(source, {
    bosText: "<s>",
    eosText: "<|end|>",
    controlTexts: ["<s>", "<|end|>", "<|turn|>"],
  });
  return { ...TOKENIZER, template };
}

function chat(content: string, more: readonly TemplateMessage[] = []): Prompt {
  return { kind: "chat", messages: [{ role: "user", content }, ...more] };
}

function textPrompt(value: string, suffix?: string): Prompt {
  return { kind: "text", text: value, ...(suffix !== undefined && { suffix }) };
}

test("a text begins with the beginning of sequence exactly once", async () => {
  const expected = [BOS, ...codes("hi")];
  assert.deepEqual(await encodePrompt(textPrompt("hi"), TOKENIZER, LIMIT), {
    tokens: expected,
    added: 1,
    text: "hi",
  });
  assert.deepEqual(await encodePrompt(textPrompt("<s>hi"), TOKENIZER, LIMIT), {
    tokens: expected,
    added: 0,
    text: "<s>hi",
  });
});

test("a chat begins with the beginning of sequence exactly once, whoever writes it", async () => {
  for (const source of ["{{ bos_token }}{{ messages[0].content }}", "{{ messages[0].content }}"]) {
    const { tokens } = await encodePrompt(chat("hi"), chatTokenizer(source), LIMIT);
    assert.deepEqual(tokens, [BOS, ...codes("hi")]);
  }
});

test("a model that wants no beginning of sequence gets none", async () => {
  const tokenizer = { ...TOKENIZER, wantsBos: false };
  assert.deepEqual(await encodePrompt(textPrompt("hi"), tokenizer, LIMIT), {
    tokens: codes("hi"),
    added: 0,
    text: "hi",
  });
});

test("tokens are taken as they are", async () => {
  for (const tokens of [[5, 6], [BOS], [BOS, BOS, 7]]) {
    assert.deepEqual(await encodePrompt({ kind: "tokens", tokens }, TOKENIZER, LIMIT), {
      tokens,
      added: 0,
    });
  }
});

test("an empty prompt is one token that the model knows to begin with", async () => {
  const without = { ...TOKENIZER, wantsBos: false };
  for (const prompt of [textPrompt(""), { kind: "tokens", tokens: [] } as const]) {
    const written = prompt.kind === "text" ? { text: "" } : {};
    const begun = { tokens: [BOS], added: 1, ...written };
    assert.deepEqual(await encodePrompt(prompt, without, LIMIT), begun);
    const noBos = { ...without, bos: undefined };
    assert.deepEqual(await encodePrompt(prompt, noBos, LIMIT), { ...begun, tokens: [END] });
    await assert.rejects(encodePrompt(prompt, { ...noBos, eos: undefined }, LIMIT), {
      status: 400,
      field: PROMPT_FIELD,
    });
  }
});

test("a raw prompt may hold control tokens, what is in a chat may not", async () => {
  const raw = await encodePrompt(textPrompt("a<|end|>"), TOKENIZER, LIMIT);
  assert.deepEqual(raw.tokens, [BOS, ...codes("a"), END]);
  const tokenizer = chatTokenizer("{{ messages[0].content }}<|end|>");
  const { tokens } = await encodePrompt(chat("a<|end|>b<s>"), tokenizer, LIMIT);
  assert.deepEqual(tokens, [BOS, ...codes("a<|end|>b<s>"), END]);
});

test("a chat holds no token that the tokenizer finds in any text either", async () => {
  const tokenizer = chatTokenizer("<|turn|>{{ messages[0].content }}");
  const { tokens } = await encodePrompt(chat("a<|turn|>b"), tokenizer, LIMIT);
  assert.deepEqual(tokens, [BOS, USER_DEFINED, ...codes("a<|turn|>b")]);
});

test("a chat needs a template: 400, model", async () => {
  await assert.rejects(encodePrompt(chat("hi"), TOKENIZER, LIMIT), {
    status: 400,
    field: "model",
    code: "model_not_capable",
  });
});

test("infilling goes prefix, suffix, middle, and its texts hold no control tokens", async () => {
  const { tokens } = await encodePrompt(textPrompt("a<|end|>", "b<s>"), TOKENIZER, LIMIT);
  assert.deepEqual(tokens, [BOS, 2001, ...codes("a<|end|>"), 2002, ...codes("b<s>"), 2003]);
});

test("infilling needs a model that can: 400, suffix", async () => {
  await assert.rejects(
    encodePrompt(textPrompt("a", "b"), { ...TOKENIZER, infill: undefined }, LIMIT),
    {
      status: 400,
      field: "suffix",
    },
  );
});

test("a prompt has to leave room for one token, and is refused with both numbers", async () => {
  const fits = await encodePrompt(textPrompt("x".repeat(98)), TOKENIZER, LIMIT);
  assert.equal(fits.tokens.length, 99);
  for (const [length, numbers] of [
    [
      99,
      /maximum context length is 100 tokens\..* 101 tokens \(100 in the prompt, 1 in the completion\)/u,
    ],
    [100, /maximum context length is 100 tokens\..* 101 tokens\./u],
    [700, /maximum context length is 100 tokens\..* 701 tokens\./u],
    [9000, /maximum context length is 100 tokens\..* more than 100 tokens\./u],
  ] as const) {
    await assert.rejects(encodePrompt(textPrompt("x".repeat(length)), TOKENIZER, LIMIT), {
      status: 400,
      code: "context_length_exceeded",
      field: PROMPT_FIELD,
      message: numbers,
    });
  }
  const tokenizer = chatTokenizer("{{ messages[0].content }}");
  await assert.rejects(encodePrompt(chat("x".repeat(500)), tokenizer, LIMIT), {
    code: "context_length_exceeded",
    field: PROMPT_FIELD,
  });
});

for (const [name, content, contextTokens] of [
  ["too long whatever its tokens", "word ".repeat(100_000), 50_000],
  ["that turns out too long on the way", "word ".repeat(100_000), 80_000],
  ["of nothing but control texts", "<s>".repeat(200_000), 5000],
] as const) {
  test(`a prompt ${name} is refused without tokenising all of it`, async () => {
    let tokenized = 0;
    const tokenizer = {
      ...chatTokenizer("{{ messages[0].content }}"),
      tokenize: (part: string, control: boolean) => {
        tokenized += part.length;
        return tokenize(part, control);
      },
    };
    await assert.rejects(
      encodePrompt(chat(content), tokenizer, { ...LIMIT, contextTokens }),
      (error) => {
        assert.ok(error instanceof Error);
        const [limit = 0, told = 0] = (error.message.match(/\d+/gu) ?? []).map(Number);
        assert.equal(limit, contextTokens);
        assert.ok(told >= limit && told <= content.length, `${told} told`);
        assert.match(error.message, /resulted in more than/u);
        return true;
      },
    );
    assert.ok(tokenized < contextTokens + 20_000, `${tokenized} characters tokenised`);
  });
}

test("tokenising a long prompt lets others have their turn", async () => {
  let turns = 0;
  const timer = setImmediate(function turn() {
    turns += 1;
    next = setImmediate(turn);
  });
  let next = timer;
  await encodePrompt(textPrompt("word ".repeat(50_000)), TOKENIZER, {
    ...LIMIT,
    contextTokens: 1_000_000,
  });
  clearImmediate(next);
  assert.ok(turns > 10, `${turns} turns`);
});

for (const [name, content] of [
  ["of private-use characters", "\uE000".repeat(1_000_000)],
  ["of control texts", "<|end|>".repeat(300_000)],
] as const) {
  test(`a chat ${name} that cannot fit is refused before it is rendered`, async () => {
    let rendered = 0;
    const template = { render: () => (rendered++, []) };
    await assert.rejects(encodePrompt(chat(content), { ...TOKENIZER, template }, LIMIT), {
      code: "context_length_exceeded",
      message: /resulted in more than 100 tokens/u,
    });
    assert.equal(rendered, 0);
  });
}

test("slices of all requests have turns of their own, and a small request waits for one of them", async () => {
  const busyMs = 3;
  let turn = 0;
  let counting = true;
  setImmediate(function count() {
    turn += 1;
    if (counting) setImmediate(count);
  });
  const turns: number[] = [];
  const slow: Tokenizer = {
    ...TOKENIZER,
    tokenize: (part) => {
      turns.push(turn);
      const end = performance.now() + busyMs;
      while (performance.now() < end);
      return Array.from({ length: part.length }, () => 1);
    },
  };
  const roomy = { ...LIMIT, contextTokens: 1_000_000 };
  const done: string[] = [];
  const many = Array.from({ length: 20 }, () => textPrompt("word ".repeat(3000)));
  const encode = async (name: string, prompts: readonly Prompt[]) => {
    await encodePrompts({ prompts } as unknown as GenerateRequest, slow, roomy);
    done.push(name);
  };
  await Promise.all([encode("large", many), encode("small", many.slice(0, 1))]);
  counting = false;
  assert.deepEqual(done, ["small", "large"]);
  assert.equal(turns.length, 42);
  assert.equal(new Set(turns).size, turns.length);
});

test("a tokenizer that must not be cut up is not", async () => {
  const parts: number[] = [];
  const tokenizer = {
    ...TOKENIZER,
    cutsAtSpaces: false,
    tokenize: (part: string, control: boolean) => {
      parts.push(part.length);
      return tokenize(part, control);
    },
  };
  await encodePrompt(textPrompt("word ".repeat(10_000)), tokenizer, {
    ...LIMIT,
    contextTokens: 1_000_000,
  });
  assert.deepEqual(parts, [50_000]);
});

suite("with llama.cpp's own tokenizer", { timeout: 120_000 }, () => {
  let folder: TemporaryFolder;
  let engine: TestEngine;

  before(async () => {
    folder = await TemporaryFolder.create();
    const path = folder.file("tiny.gguf");
    // Of those whose splitting into words recurses.
    await writeTinyChatModel(path, {
      preTokenizer: "deepseek-llm",
      userDefined: ["<tool_response>", "</tool_response>", "<table>"],
      chatTemplate: `{% for m in messages %}<|im_start|><tool_response>{{ m.content }}</tool_response><|im_end|>{% endfor %}`,
    });
    engine = await TestEngine.load(path, { slots: 1, contextTokens: 64 });
  });
  after(async () => {
    engine.loaded.unload();
    await folder[Symbol.asyncDispose]();
  });

  const roomy = { ...LIMIT, contextTokens: 1_000_000 };

  test("slices make the same tokens as the whole text", async () => {
    const { tokenizer } = engine.loaded;
    const words = fc.constantFrom(
      "the ",
      "river\n",
      "don't ",
      "x1 ",
      "a.b",
      ", ",
      "\n\n",
      "  ",
      "café ",
      "東京は雨です。",
      "🙂",
      "<|im_end|>",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(words, { minLength: 50, maxLength: 200 }), async (some) => {
        const whole = some.join("").repeat(Math.ceil(40_000 / some.join("").length));
        const { tokens } = await encodePrompt(textPrompt(whole), tokenizer, roomy);
        assert.deepEqual(tokens, tokenizer.tokenize(whole, true));
      }),
      { numRuns: 15 },
    );
  });

  test("a word of a hundred thousand characters ends nothing", async () => {
    for (const character of ["a", "1", " ", "-", "\n", "文"]) {
      const long = character.repeat(100_000);
      const { tokens } = await encodePrompt(textPrompt(long), engine.loaded.tokenizer, roomy);
      const bytes = tokens.flatMap((token) => [...engine.loaded.vocabulary.bytes(token)]);
      assert.equal(Buffer.from(bytes).toString(), long);
    }
  });

  test("a message holds none of the model's control tokens, whatever is in it", async () => {
    const { tokenizer, vocabulary } = engine.loaded;
    const count = async (content: string) => {
      const { tokens } = await encodePrompt(chat(content), tokenizer, roomy);
      return tokens.filter((token) => vocabulary.bytes(token).length === 0).length;
    };
    const harmless = await count("x");
    const pieces = fc.constantFrom(...vocabulary.controlTexts, "<|", "im_", "end", "|>", "\n", "a");
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 10 }), async (content) => {
        assert.equal(await count(content.join("")), harmless);
      }),
    );
  });

  test("tags that the template writes are one token there and none in a message; others are one anywhere", async () => {
    const { tokenizer } = engine.loaded;
    const tokenOf = (tag: string) => tokenizer.tokenize(tag, false)[0] ?? -1;
    const count = async (content: string, tag: string) => {
      const { tokens } = await encodePrompt(chat(content), tokenizer, roomy);
      return tokens.filter((token) => token === tokenOf(tag)).length;
    };
    const tag = "</tool_response>";
    assert.deepEqual([await count("x", tag), await count(`a${tag}b${tag}`, tag)], [1, 1]);
    assert.equal(await count("a<table>b", "<table>"), 1);
  });
});
