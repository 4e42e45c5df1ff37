/** Requests to the endpoints that are not OpenAI's first: responses, Anthropic's, Ollama's, reranking and reading. */
import fc, { type Arbitrary } from "fast-check";
import type { spoilt } from "./spoilt-json.ts";

type Json = Parameters<typeof spoilt>[0];
type Fields = Readonly<Record<string, Arbitrary<Json>>>;

/** Mostly short: several have to fit into a small context. */
const text: Arbitrary<Json> = fc.oneof(
  { arbitrary: fc.string({ unit: "binary", maxLength: 8 }), weight: 20 },
  {
    arbitrary: fc.constantFrom("", "<|im_end|>", "\ud800", "a".repeat(3000), "\u0000", "🙂"),
    weight: 1,
  },
);
const odd = fc.constantFrom<Json>(null, true, -1, 0.5, 1e300, "", "x", [], {}, [[]], { a: [1] });
const tokens: Arbitrary<Json> = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 4 }), weight: 60 },
  { arbitrary: odd, weight: 1 },
);
const model = fc.constantFrom<Json>(...Array<string>(40).fill("m"), "m:latest", null, "other");

function orOdd(arbitrary: Arbitrary<Json>): Arbitrary<Json> {
  return fc.oneof({ arbitrary, weight: 60 }, { arbitrary: odd, weight: 1 });
}

/** The first ones are always there, of the others two at most: with more of them hardly a request would be right. */
function record(required: Fields, optional: Fields = {}): Arbitrary<Record<string, Json>> {
  return fc
    .subarray(Object.keys(optional), { maxLength: Math.min(2, Object.keys(optional).length) })
    .chain((names) =>
      fc.record<Record<string, Json>>({
        ...required,
        ...Object.fromEntries(Object.entries(optional).filter(([name]) => names.includes(name))),
      }),
    );
}

function some(arbitrary: Arbitrary<Json>, maxLength = 3): Arbitrary<Json> {
  return orOdd(fc.array(arbitrary, { minLength: 1, maxLength }));
}

/** One of these, the last one seldom: it is what no endpoint takes. */
function nearly(values: readonly Json[], wrong: Json): Arbitrary<Json> {
  return fc.oneof(
    { arbitrary: fc.constantFrom<Json>(...values), weight: 30 },
    { arbitrary: fc.constant(wrong), weight: 1 },
  );
}

function of(...values: readonly Json[]): Arbitrary<Json> {
  return nearly(values, "x");
}

const args = nearly(["{}", '{"a":1}'], "{");
const schema = of({ type: "object" }, { type: "object", properties: { a: { enum: ["b", 1] } } });
const answerSchema = nearly([{ enum: ["a", "b"] }, { type: "integer" }], { $ref: "#/nowhere" });

const said = record({
  role: of("user", "user", "system", "developer", "assistant"),
  content: text,
});
const item = fc.oneof<Arbitrary<Json>[]>(
  said,
  said,
  said,
  said,
  record({
    type: of("message"),
    role: of("user"),
    content: some(record({ type: of("input_text"), text })),
  }),
  record({ type: of("function_call"), call_id: text, name: of("f", "g"), arguments: args }),
  record({
    type: of("function_call_output", "custom_tool_call_output"),
    call_id: text,
    output: text,
  }),
  record({ type: of("custom_tool_call"), call_id: text, name: of("c"), input: text }),
  record({ type: of("reasoning"), summary: some(record({ type: of("summary_text"), text })) }),
  record({ type: nearly(["reasoning"], "item_reference"), id: text }),
);
const responseTool = fc.oneof<Arbitrary<Json>[]>(
  record({ type: of("function"), name: of("f", "g"), parameters: orOdd(schema) }, { strict: odd }),
  record(
    { type: of("custom"), name: of("c") },
    { format: nearly([{ type: "text" }], { type: "grammar" }) },
  ),
  record({ type: nearly(["custom"], "web_search"), name: of("d") }),
);
const response = record(
  { model, input: orOdd(fc.oneof(text, some(item, 4))), max_output_tokens: tokens },
  {
    instructions: orOdd(text),
    stream: orOdd(of(true, false)),
    store: orOdd(of(true, false)),
    previous_response_id: nearly([null], "resp_1"),
    tools: some(responseTool, 2),
    tool_choice: of("auto", "none", "required", { type: "function", name: "f" }),
    text: of({}, { format: { type: "json_object" } }, null),
    reasoning: of({ effort: "low", summary: "auto" }, {}),
    include: of(["reasoning.encrypted_content"], ["message.output_text.logprobs"]),
    truncation: of("auto", "disabled"),
    metadata: odd,
    top_logprobs: tokens,
  },
);

const block = fc.oneof<Arbitrary<Json>[]>(
  record({ type: of("text"), text }, { cache_control: of({ type: "ephemeral" }, null) }),
  record({ type: of("tool_use"), id: text, name: of("f"), input: of({}, { a: 1 }) }),
  record({ type: of("tool_result"), tool_use_id: text, content: orOdd(text) }, { is_error: odd }),
  record({ type: of("thinking"), thinking: text }, { signature: text }),
  record({ type: nearly(["text"], "image"), text }),
);
const message = record(
  {
    model,
    max_tokens: tokens,
    messages: some(
      record({
        role: of(...Array<string>(10).fill("user"), "assistant", "system"),
        content: orOdd(
          fc.oneof({ arbitrary: text, weight: 4 }, { arbitrary: some(block), weight: 1 }),
        ),
      }),
      4,
    ),
  },
  {
    system: orOdd(fc.oneof(text, some(record({ type: of("text"), text })))),
    stream: orOdd(of(true, false)),
    stop_sequences: some(text),
    temperature: orOdd(of(0, 1, 0.5)),
    tools: some(
      record({ name: of("f", "g"), input_schema: orOdd(schema) }, { type: of("custom") }),
      2,
    ),
    tool_choice: of({ type: "auto" }, { type: "any" }, { type: "tool", name: "f" }),
    thinking: of({ type: "enabled", budget_tokens: 2 }, { type: "disabled" }, { type: "enabled" }),
    output_config: fc.oneof(
      of({ effort: "low" }),
      record({ format: record({ type: of("json_schema"), schema: answerSchema }) }),
    ),
    metadata: odd,
  },
);

const options = record(
  { num_predict: tokens },
  { temperature: orOdd(of(0, 1)), stop: some(text), seed: orOdd(of(1)), num_ctx: odd },
);
const generation = {
  stream: orOdd(of(true, false)),
  format: fc.oneof(of("", "json"), orOdd(answerSchema)),
  think: of(true, false, "low", null),
  keep_alive: of("5m", 10, null),
};
const call = record({ function: record({ name: of("f"), arguments: of({}, { a: 1 }) }) });
const ollamaChat = record(
  {
    model,
    options: orOdd(options),
    messages: some(
      record(
        { role: of("user", "user", "assistant", "system", "tool"), content: orOdd(text) },
        { thinking: orOdd(text), tool_calls: some(call), tool_name: of("f"), images: odd },
      ),
      4,
    ),
  },
  { ...generation, tools: some(record({ type: of("function"), function: odd })) },
);
const ollamaGenerate = record(
  { model, prompt: orOdd(text), options: orOdd(options) },
  { ...generation, system: orOdd(text), suffix: orOdd(text), raw: orOdd(of(true, false)) },
);
const embed = record({ model, input: orOdd(fc.oneof(text, some(text))) }, { truncate: odd });
const rerank = record(
  { model, query: orOdd(text), documents: some(fc.oneof(text, record({ text }))) },
  { top_n: tokens, return_documents: odd, texts: odd, max_tokens_per_doc: tokens },
);
const tokenize = fc.oneof(
  record({ model, content: orOdd(text) }, { with_pieces: odd, add_special: odd }),
  record({ model, prompt: orOdd(text) }, { return_token_strs: odd }),
  record(
    { model, messages: some(record({ role: of("user"), content: orOdd(text) })) },
    { add_generation_prompt: orOdd(of(true, false)) },
  ),
);
const detokenize = record({ model, tokens: orOdd(fc.array(fc.integer({ min: -1, max: 300 }))) });

const DOCUMENTS: Readonly<Record<string, Arbitrary<Json>>> = {
  "/v1/responses": response,
  "/v1/responses/input_tokens": response,
  "/v1/messages": message,
  "/v1/messages/count_tokens": message,
  "/api/chat": ollamaChat,
  "/api/generate": ollamaGenerate,
  "/api/embed": embed,
  "/api/embeddings": record({ model, prompt: orOdd(text) }),
  "/v1/rerank": rerank,
  "/rerank": rerank,
  "/v2/rerank": rerank,
  "/tokenize": tokenize,
  "/detokenize": detokenize,
  "/apply-template": tokenize,
};

export const FUZZED_PATHS: readonly string[] = Object.keys(DOCUMENTS);

export const otherDialects: Arbitrary<{ readonly path: string; readonly document: Json }> =
  fc.oneof(
    ...Object.entries(DOCUMENTS).map(([path, document]) =>
      document.map((one) => ({ path, document: one })),
    ),
  );
