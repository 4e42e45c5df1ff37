/**
 * Requests that are nearly right: made from what OpenAI's API and the others have, then changed in their structure or in their
 * bytes.
 */
import { gzipSync } from "node:zlib";
import fc, { type Arbitrary } from "fast-check";
import { otherDialects } from "./fuzzed-dialects.ts";
import { spoilt } from "./spoilt-json.ts";

export type FuzzedRequest = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

type Json = Parameters<typeof spoilt>[0];

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "",
    "<|im_end|>",
    "\ud800",
    "{{ 1 }}",
    "a".repeat(3000),
    "\u0000",
    "🙂".repeat(50),
  ),
);
const odd = fc.constantFrom<Json>(null, true, -1, 0, 0.5, 1e300, "", "x", [], {}, [[]], { a: [1] });
const tokens = fc.oneof({ arbitrary: fc.integer({ min: 0, max: 4 }), weight: 60 }, odd);
const orOdd = (arbitrary: Arbitrary<Json>) =>
  fc.oneof({ arbitrary, weight: 60 }, { arbitrary: odd, weight: 1 });

const part = fc.record<Record<string, Json>>(
  {
    type: fc.constantFrom(...Array<string>(20).fill("text"), "image_url", "x"),
    text,
    image_url: odd,
  },
  { requiredKeys: ["type", "text"] },
);
const ROLES = ["system", "user", "user", "assistant", "developer"];

const message = fc.record<Record<string, Json>>(
  {
    role: fc.constantFrom(...ROLES, ...ROLES, ...ROLES, "tool", "function", "x"),
    content: orOdd(fc.oneof(text, fc.array(part, { minLength: 1, maxLength: 3 }))),
    name: orOdd(text),
    tool_call_id: orOdd(text),
  },
  { requiredKeys: ["role", "content"] },
);

const sampling = {
  temperature: orOdd(fc.double({ min: 0, max: 2, noNaN: true })),
  top_p: orOdd(fc.double({ min: 0, max: 1, noNaN: true })),
  top_k: orOdd(fc.integer({ min: -1, max: 100 })),
  n: orOdd(fc.integer({ min: 1, max: 3 })),
  stop: orOdd(fc.oneof(text, fc.array(text, { maxLength: 4 }))),
  seed: orOdd(fc.integer()),
  logit_bias: orOdd(
    fc.dictionary(fc.constantFrom(...Array<string>(20).fill("7"), "300", "999999"), fc.nat(100)),
  ),
  presence_penalty: orOdd(fc.double({ min: -2, max: 2, noNaN: true })),
  stream: orOdd(fc.boolean()),
  stream_options: orOdd(fc.record({ include_usage: fc.boolean() })),
  user: orOdd(text),
  response_format: orOdd(
    fc.constantFrom<Json>(
      { type: "text" },
      { type: "json_object" },
      { type: "json_schema", json_schema: { name: "n", schema: { enum: ["a", "b"] } } },
    ),
  ),
  guided_regex: orOdd(fc.constantFrom("", "[a-f]{1,9}")),
  grammar: orOdd(fc.constantFrom("", 'root ::= "a" | "b" root')),
  tools: orOdd(fc.constant([])),
  frobnicate: odd,
} satisfies Record<string, Arbitrary<Json>>;

const model = { model: fc.constantFrom<Json>(...Array<string>(40).fill("m"), null, "other") };
const always = ["model", "max_tokens"];

const chat = fc.record<Record<string, Json>>(
  {
    ...model,
    ...sampling,
    messages: orOdd(fc.array(message, { minLength: 1, maxLength: 4 })),
    max_tokens: tokens,
    logprobs: orOdd(fc.constant(true)),
    top_logprobs: orOdd(fc.integer({ min: 0, max: 20 })),
    chat_template_kwargs: orOdd(fc.dictionary(fc.string(), odd, { maxKeys: 3 })),
  },
  { requiredKeys: [...always, "messages"] },
);
const prompt = fc.oneof<Arbitrary<Json>[]>(
  text,
  fc.array(text, { minLength: 1, maxLength: 3 }),
  fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 9 }),
);
const completion = fc.record<Record<string, Json>>(
  {
    ...model,
    ...sampling,
    prompt: orOdd(prompt),
    max_tokens: tokens,
    echo: orOdd(fc.boolean()),
    suffix: orOdd(text),
    logprobs: orOdd(fc.integer({ min: 0, max: 5 })),
    best_of: orOdd(fc.integer({ min: 1, max: 3 })),
  },
  { requiredKeys: [...always, "prompt"] },
);
const embedding = fc.record<Record<string, Json>>(
  { ...model, input: prompt, encoding_format: odd, dimensions: tokens },
  { requiredKeys: ["input"] },
);

const asked = fc.oneof(
  {
    arbitrary: chat.map((document) => ({ path: "/v1/chat/completions", document })),
    weight: 5,
  },
  {
    arbitrary: completion.map((document) => ({ path: "/v1/completions", document })),
    weight: 4,
  },
  {
    arbitrary: embedding.map((document) => ({ path: "/v1/embeddings", document })),
    weight: 1,
  },
  { arbitrary: otherDialects, weight: 8 },
);

/** As it is, or with a change or two in its structure. */
const documented = asked.chain(({ path, document }) => {
  const once = spoilt(document);
  return fc
    .oneof(fc.constant(document), once, once.chain(spoilt))
    .map((changed) => ({ path, body: Buffer.from(JSON.stringify(changed)) }));
});

type Bytes = Buffer<ArrayBuffer>;
type Change = (bytes: Bytes) => Bytes;

const change: Arbitrary<Change> = fc
  .record({
    kind: fc.constantFrom("flip", "cut", "insert", "double"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 1, max: 40 }),
    byte: fc.oneof(fc.constantFrom(...Buffer.from('{}[]":,\\0-e ')), fc.nat(255)),
  })
  .map(({ kind, at, length, byte }): Change => {
    return (bytes) => {
      const place = Math.floor(at * bytes.length);
      const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
      const inserted = Buffer.alloc(length, byte);
      if (kind === "cut") return Buffer.concat([before, after.subarray(length)]);
      if (kind === "insert") return Buffer.concat([before, inserted, after]);
      if (kind === "double") return Buffer.concat([before, after.subarray(0, length), after]);
      return Buffer.concat([before, inserted.subarray(0, 1), after.subarray(1)]);
    };
  });

const PLAIN = Array<"plain">(40).fill("plain");
const JSON_TYPE = { "content-type": "application/json" };

export const fuzzedRequest: Arbitrary<FuzzedRequest> = fc
  .record({
    documented,
    changes: fc.oneof(
      { arbitrary: fc.constant<Change[]>([]), weight: 5 },
      { arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }), weight: 1 },
    ),
    form: fc.constantFrom(...PLAIN, "gzip", "not gzip", "no type", "other type"),
  })
  .map(({ documented: { path, body }, changes, form }) => {
    const bytes = changes.reduce<Bytes>((changed, one) => one(changed), body);
    const packing = { "content-encoding": "gzip" };
    if (form === "gzip") {
      return { path, headers: { ...JSON_TYPE, ...packing }, body: gzipSync(bytes) };
    }
    if (form === "not gzip") return { path, headers: { ...JSON_TYPE, ...packing }, body: bytes };
    if (form === "no type") return { path, headers: {}, body: bytes };
    if (form === "other type")
      return { path, headers: { "content-type": "text/plain" }, body: bytes };
    return { path, headers: JSON_TYPE, body: bytes };
  });
