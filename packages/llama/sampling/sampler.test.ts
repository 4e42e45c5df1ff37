import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Context, createContext } from "../context.ts";
import { best, evaluate, ONE_THREAD, promptOf } from "../fixtures/generate.ts";
import { logged, smollm2, tinyChatModel } from "../../../test/support/llama-models.ts";
import type { Model } from "../model.ts";
import { LlamaError, OwnershipError } from "../native/errors.ts";
import { Candidates } from "./candidates.ts";
import { createSampler, NothingToChooseError, type Sampler } from "./sampler.ts";
import type { ShapingStage, Stage } from "./stages.ts";

const WARM: readonly Stage[] = [
  { type: "temperature", temperature: 1.5 },
  { type: "dist", seed: 7 },
];

const ALL = { type: "draw", topP: 1, minP: 0, temperature: 1, seed: 7 } as const;
const DRAW = { ...ALL, temperature: 1.5 } as const;
const MINIMUM = { type: "minP", p: 0.3, minKeep: 1 } as const;

/** Logits that fall by 1 from token to token. */
function slope(model: Model): Float32Array {
  return Float32Array.from({ length: model.vocabulary.size }, (_, token) => 10 - token);
}

suite("a sampler", { timeout: 120_000 }, () => {
  test("chooses the same with the same seed, in whatever company, and otherwise with another", async () => {
    const model = await tinyChatModel();
    const tokens = promptOf(model, "the quick brown");
    const answers = async (seeds: readonly number[]) => {
      using context = await contextOf(model, seeds.length);
      const samplers = seeds.map((seed) =>
        createSampler(model, { stages: [WARM[0] as Stage, { type: "dist", seed }] }),
      );
      const chosen = await generate(context, samplers, { tokens, count: 8 });
      for (const sampler of samplers) sampler[Symbol.dispose]();
      return chosen;
    };
    const [one, two, same] = await answers([1, 2, 1]);
    assert.deepEqual(one, same);
    assert.notDeepEqual(one, two);
    const [again] = await answers([1]);
    assert.deepEqual(again, one);
  });

  for (const stages of [WARM, [DRAW], [MINIMUM, DRAW]]) {
    const names = stages.map(({ type }) => type).join(", ");
    test(`begins again when reset, and its copy goes on as it would: ${names}`, async () => {
      const model = await tinyChatModel();
      using sampler = createSampler(model, { stages });
      const logits = new Float32Array(model.vocabulary.size);
      const draw = (from: Sampler): readonly number[] =>
        Array.from({ length: 6 }, () => from.choose(logits));
      const first = draw(sampler);
      using copy = sampler.clone();
      const next = draw(sampler);
      assert.notDeepEqual(next, first);
      assert.deepEqual(draw(copy), next);
      sampler.reset();
      assert.deepEqual(draw(sampler), first);
    });
  }

  test("chooses from a context's outputs what it would choose from their logits", async () => {
    const model = await tinyChatModel();
    using context = await contextOf(model, 1);
    using batch = context.createBatch({ tokens: 4 });
    for (const at of [0, 1, 2]) batch.add(5 + at, at, 0, at > 0);
    await context.decode(batch);
    using greedy = createSampler(model, { stages: [{ type: "greedy" }] });
    for (const index of [1, 2])
      assert.equal(greedy.sample(context, index), best(context.outputs.logits(index)));
    assert.throws(() => greedy.sample(context, 0), RangeError);
    assert.throws(() => greedy.sample(context, 9), RangeError);
  });

  const shaping: readonly (readonly [ShapingStage, readonly number[]])[] = [
    [{ type: "topK", k: 3 }, [0, 1, 2]],
    // Of a slope of 1, e^-1 of what is left goes to each next token: 0.63, 0.23, 0.09, 0.03.
    [{ type: "topP", p: 0.9, minKeep: 0 }, [0, 1, 2]],
    [{ type: "topP", p: 0.1, minKeep: 2 }, [0, 1]],
    [{ type: "minP", p: 0.1, minKeep: 0 }, [0, 1, 2]],
    [
      {
        type: "logitBias",
        biases: [
          [5, 100],
          [0, Number.NEGATIVE_INFINITY],
        ],
      },
      [5],
    ],
  ];
  for (const [stage, expected] of shaping) {
    test(`with ${JSON.stringify(stage)} leaves what llama.cpp's documentation says`, async () => {
      const model = await tinyChatModel();
      using sampler = createSampler(model, { stages: [stage] });
      using candidates = new Candidates(model.vocabulary.size);
      candidates.fill(slope(model));
      sampler.apply(candidates);
      const left = candidates
        .all()
        .toSorted((a, b) => b.logit - a.logit)
        .slice(0, stage.type === "logitBias" ? 1 : undefined);
      assert.deepEqual(
        left.map(({ token }) => token),
        expected,
      );
    });
  }

  test("can have every stage that llama.cpp has", async () => {
    const model = await tinyChatModel();
    const stages: readonly ShapingStage[] = [
      { type: "penalties", lastTokens: 64, repeat: 1.1, frequency: 0.1, presence: 0.1 },
      {
        type: "dry",
        multiplier: 0.8,
        base: 1.75,
        allowedLength: 2,
        lastTokens: 64,
        breakers: ["\n", ":"],
      },
      { type: "topNSigma", n: 2 },
      { type: "topK", k: 40 },
      { type: "typicalP", p: 0.95, minKeep: 1 },
      { type: "topP", p: 0.95, minKeep: 1 },
      { type: "minP", p: 0.05, minKeep: 1 },
      { type: "xtc", probability: 0.5, threshold: 0.1, minKeep: 1, seed: 3 },
      { type: "dynamicTemperature", temperature: 0.8, range: 0.2, exponent: 1 },
      { type: "infill" },
    ];
    for (const last of [
      { type: "greedy" },
      ALL,
      { type: "dist", seed: 1 },
      { type: "mirostat", seed: 1, tau: 5, eta: 0.1, m: 100 },
      { type: "mirostatV2", seed: 1, tau: 5, eta: 0.1 },
      { type: "adaptiveP", target: 0.5, decay: 0.9, seed: 1 },
    ] as const) {
      using sampler = createSampler(model, { stages: [...stages, last], measures: true });
      const token = sampler.choose(slope(model));
      assert.ok(token >= 0 && token < model.vocabulary.size);
      sampler.accept(token);
      assert.ok(sampler.performance().sampleMs >= 0);
      using copy = sampler.clone();
      assert.ok(copy.choose(slope(model)) >= 0);
    }
  });

  for (const [stages, expected] of [
    // Of a slope of 1 at a temperature of 2.
    [[{ ...ALL, temperature: 2 }], [0.3935, 0.2387, 0.1447, 0.0878]],
    // What is likelier than 0.3 times the likeliest, at 1: two tokens.
    [
      [MINIMUM, ALL],
      [0.7311, 0.2689, 0, 0],
    ],
    [[{ ...ALL, minP: 0.3 }], [0.7311, 0.2689, 0, 0]],
    // At 1 the first three have 0.95, and at 2 they are drawn from.
    [[{ ...ALL, topP: 0.9, temperature: 2 }], [0.5065, 0.3072, 0.1863, 0]],
    // The second becomes as likely as the first, and the third has no chance.
    [
      [
        {
          type: "logitBias",
          biases: [
            [1, 1],
            [2, -Infinity],
          ],
        },
        ALL,
      ],
      [0.4811, 0.4811, 0, 0.024],
    ],
  ] as const) {
    const names = stages.map(({ type }) => type).join(", ");
    test(`draws each token as often as it is likely: ${names}`, async () => {
      const model = await tinyChatModel();
      using sampler = createSampler(model, { stages });
      const logits = slope(model);
      const draws = 20_000;
      const counts = new Uint32Array(model.vocabulary.size);
      for (let count = 0; count < draws; count += 1) {
        const token = sampler.choose(logits);
        counts[token] = (counts[token] ?? 0) + 1;
      }
      for (const [token, probability] of expected.entries()) {
        const off = Math.abs((counts[token] ?? 0) / draws - probability);
        const deviation = Math.sqrt((probability * (1 - probability)) / draws);
        assert.ok(off <= 4 * deviation, `token ${token}: ${counts[token]} of ${draws}`);
      }
    });
  }

  test("draws nothing where nothing has a chance", async () => {
    const model = await tinyChatModel();
    const nothing = new Float32Array(model.vocabulary.size).fill(Number.NEGATIVE_INFINITY);
    for (const stages of [[DRAW], [MINIMUM, DRAW]]) {
      using sampler = createSampler(model, { stages });
      assert.throws(() => sampler.choose(nothing), NothingToChooseError);
    }
  });

  test("remembers what it accepted: what was said is said less", async () => {
    const model = await tinyChatModel();
    const penalties = { type: "penalties", lastTokens: 8, repeat: 1, frequency: 0 } as const;
    using sampler = createSampler(model, {
      stages: [{ ...penalties, presence: 5 }, { type: "greedy" }],
    });
    const logits = slope(model);
    const said = Array.from({ length: 3 }, () => {
      const token = sampler.choose(logits);
      sampler.accept(token);
      return token;
    });
    assert.deepEqual(said, [0, 1, 2]);
  });

  test("refuses settings that C would take for other numbers", async () => {
    const model = await tinyChatModel();
    for (const stage of [
      { type: "dist", seed: -1 },
      { type: "dist", seed: 2 ** 32 },
      { ...ALL, seed: 2 ** 32 },
      { ...ALL, temperature: Number.NaN },
      { type: "topK", k: 1.5 },
      { type: "temperature", temperature: Number.NaN },
      { type: "logitBias", biases: [[model.vocabulary.size, 1]] },
    ] as const) {
      assert.throws(() => createSampler(model, { stages: [stage] }), RangeError, stage.type);
    }
    using shapes = createSampler(model, { stages: [{ type: "topK", k: 1 }] });
    assert.throws(() => shapes.choose(slope(model)), /its last stage/);
  });

  test("cannot be used once it was freed, nor once its model was", async () => {
    const model = await tinyChatModel();
    const sampler = createSampler(model, { stages: WARM });
    sampler[Symbol.dispose]();
    sampler[Symbol.dispose]();
    for (const misuse of [
      () => sampler.choose(slope(model)),
      () => sampler.accept(1),
      () => sampler.clone(),
      () => sampler.reset(),
    ]) {
      assert.throws(misuse, OwnershipError, String(misuse));
    }
  });

  test("leaves no memory behind, of thousands", async () => {
    const model = await smollm2();
    using context = await contextOf(model, 1);
    await evaluateOnce(context);
    const stages: readonly Stage[] = [
      { type: "penalties", lastTokens: 64, repeat: 1.1, frequency: 0, presence: 0 },
      { type: "topK", k: 40 },
      ...WARM,
    ];
    const use = (count: number): void => {
      for (let index = 0; index < count; index += 1) {
        using sampler = createSampler(model, { stages });
        sampler.sample(context, 0);
      }
    };
    use(200);
    const before = process.memoryUsage.rss();
    // Each has a table of the vocabulary: 590 kB.
    use(2000);
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < 64 * 2 ** 20, `${grown} bytes more`);
  });
});

suite("a grammar", { timeout: 120_000 }, () => {
  test("leaves only what it allows", async () => {
    const model = await smollm2();
    using context = await contextOf(model, 1);
    const grammar = 'root ::= "The answer is " ("yes" | "no") "."';
    using sampler = createSampler(model, {
      stages: [{ type: "grammar", grammar }, { type: "greedy" }],
    });
    const tokens = promptOf(model, "Is Paris the capital of France?\n");
    const [chosen = []] = await generate(context, [sampler], { tokens, count: 20 });
    const text = model.vocabulary.detokenize(Int32Array.from(chosen), { control: false });
    assert.match(text, /^The answer is (yes|no)\.$/);
    assert.ok(model.vocabulary.isEnd(chosen.at(-1) ?? 0));
  });

  test("is asked about one token without being told that it comes", async () => {
    const model = await tinyChatModel();
    const [a = -1] = model.vocabulary.tokenize("a", { whole: false, control: false });
    const [b = -1] = model.vocabulary.tokenize("b", { whole: false, control: false });
    using sampler = createSampler(model, {
      stages: [{ type: "grammar", grammar: 'root ::= "ab"' }, { type: "greedy" }],
    });
    assert.deepEqual([sampler.allows(a), sampler.allows(b)], [true, false]);
    assert.throws(() => sampler.accept(b), LlamaError);
    sampler.accept(a);
    assert.deepEqual([sampler.allows(a), sampler.allows(b)], [false, true]);
    using copy = sampler.clone();
    sampler.accept(b);
    assert.deepEqual([sampler.allows(a), copy.allows(b)], [false, true]);
    sampler.reset();
    assert.equal(sampler.allows(a), true);
  });

  test("that waits for its beginning allows everything until then", async () => {
    const model = await tinyChatModel();
    const tokensOf = (text: string) =>
      model.vocabulary.tokenize(text, { whole: false, control: false });
    using sampler = createSampler(model, {
      stages: [
        {
          type: "grammar",
          grammar: 'root ::= "{" "x" "}"',
          triggers: { patterns: ["[^{]*(\\{)[\\s\\S]*"], tokens: [] },
        },
        { type: "greedy" },
      ],
    });
    for (const token of tokensOf("hello ")) sampler.accept(token);
    for (const token of tokensOf("{")) sampler.accept(token);
    const [x = -1] = tokensOf("x");
    const [y = -1] = tokensOf("y");
    assert.deepEqual([sampler.allows(x), sampler.allows(y)], [true, false]);
  });

  test("that nothing satisfies is an error, not the end of the process", async () => {
    const model = await tinyChatModel();
    const { size } = model.vocabulary;
    const biases = Array.from({ length: size }, (_, token) => [token, -Infinity] as const);
    using sampler = createSampler(model, {
      stages: [
        { type: "grammar", grammar: 'root ::= "a"' },
        { type: "logitBias", biases },
        { type: "greedy" },
      ],
    });
    assert.throws(() => sampler.choose(new Float32Array(size)), NothingToChooseError);
  });

  test("that cannot be read is refused", async () => {
    const model = await tinyChatModel();
    logged.length = 0;
    const stages = [{ type: "grammar", grammar: "root ::= unknown" }] as const;
    assert.throws(() => createSampler(model, { stages }), LlamaError);
    assert.ok(logged.some(({ level }) => level === "error"));
  });
});

function contextOf(model: Model, sequences: number): Promise<Context> {
  return createContext(model, { ...ONE_THREAD, contextTokens: 256 * sequences, sequences });
}

async function evaluateOnce(context: Context): Promise<void> {
  await evaluate(context, [{ sequence: 0, tokens: [5] }]);
}

/** One sequence for each sampler, all of the same prompt, until `count` tokens or the end. */
async function generate(
  context: Context,
  samplers: readonly Sampler[],
  { tokens, count }: { readonly tokens: readonly number[]; readonly count: number },
): Promise<readonly (readonly number[])[]> {
  using batch = context.createBatch({ tokens: tokens.length * samplers.length });
  const indexes = samplers.map((_, sequence) =>
    tokens.map((token, at) => batch.add(token, at, sequence, at === tokens.length - 1)).at(-1),
  );
  await context.decode(batch);
  const chosen = samplers.map((sampler, at) => [sampler.sample(context, indexes[at] ?? -1)]);
  const ended = (own: readonly number[]): boolean =>
    context.model.vocabulary.isEnd(own.at(-1) ?? 0) || own.length >= count;
  while (!chosen.every(ended)) {
    batch.clear();
    const running = [...chosen.entries()].filter(([, own]) => !ended(own));
    const slots = running.map(([sequence, own]) =>
      batch.add(own.at(-1) ?? 0, tokens.length + own.length - 1, sequence, true),
    );
    await context.decode(batch);
    for (const [at, [sequence, own]] of running.entries()) {
      const token = samplers[sequence]?.sample(context, slots[at] ?? -1);
      if (token !== undefined) own.push(token);
    }
  }
  return chosen;
}
