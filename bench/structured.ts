/**
 * Tokens per second of answers that must fit a schema, against free text of the same model.
 *
 * Both are asked for in turns, and the ratio is taken round by round. Counted is from the first token of an answer to its
 * last: what a schema costs to compile and a prompt to evaluate is not in it. Answers of a schema are as long as they
 * become; free text gets as many tokens.
 */
import { ModelServer } from "../test/support/model-server.ts";
import { settings } from "./support/settings.ts";
import { median } from "./support/statistics.ts";
import { stream } from "./support/streaming-client.ts";
import { printTable, type Row } from "./support/table.ts";

const { path, threads, rounds } = await settings(7);
const CONTEXT_TOKENS = 2048;
const TOKENS_MAX = 400;

const text = { type: "string", maxLength: 60 };
const closed = (properties: object) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** As people write them: a record, a list of records, a verdict, prose in one field, numbers. */
const SCHEMAS = {
  person: closed({
    first_name: { type: "string", maxLength: 20 },
    last_name: { type: "string", maxLength: 20 },
    age: { type: "integer", minimum: 0, maximum: 120 },
    email_address: { type: "string", maxLength: 30 },
    occupation: { type: "string", maxLength: 30 },
    is_married: { type: "boolean" },
  }),
  invoice: closed({
    invoice_number: { type: "string", pattern: "^INV-[0-9]{5}$" },
    issue_date: { type: "string", format: "date" },
    line_items: {
      type: "array",
      minItems: 3,
      maxItems: 5,
      items: closed({
        description: { type: "string", maxLength: 30 },
        quantity: { type: "integer", minimum: 1, maximum: 99 },
        unit_price: { type: "number", minimum: 0, maximum: 1000, multipleOf: 0.01 },
      }),
    },
    currency: { enum: ["EUR", "USD", "CHF"] },
  }),
  verdict: closed({
    sentiment: { enum: ["positive", "neutral", "negative"] },
    confidence: { enum: ["low", "medium", "high"] },
    mentions_a_competitor: { type: "boolean" },
  }),
  steps: closed({
    steps: {
      type: "array",
      minItems: 3,
      maxItems: 6,
      items: closed({ explanation: text, output: text }),
    },
    final_answer: text,
  }),
  prose: closed({ summary: { type: "string", minLength: 400, maxLength: 900 } }),
} as const;

type Name = keyof typeof SCHEMAS;

const PROMPTS: Readonly<Record<Name, string>> = {
  person: "Describe an invented person as JSON:\n",
  invoice: "Write an invented invoice as JSON:\n",
  verdict: 'Judge the review "It works, but it is slow." as JSON:\n',
  steps: "Solve 8x + 7 = -23 step by step, as JSON:\n",
  prose: "Summarise the history of the bicycle in one field of JSON:\n",
};

await using server = await ModelServer.ready({
  weightsPath: path,
  engine: { slots: 1, contextTokens: CONTEXT_TOKENS, threads },
});

/** Tokens per second, from the first one on and from the request on. */
type Rates = { readonly completionTokens: number; readonly steady: number; readonly whole: number };

async function rateOf(fields: object): Promise<Rates> {
  const body = { model: server.modelId, temperature: 0.7, ...fields };
  const before = performance.now();
  const { arrivalsMs, completionTokens } = await stream(server.url, body);
  const durationMs = performance.now() - before;
  const steadyMs = (arrivalsMs.at(-1) ?? 0) - (arrivalsMs[0] ?? 0);
  return {
    completionTokens,
    steady: (1000 * (completionTokens - 1)) / steadyMs,
    whole: (1000 * completionTokens) / durationMs,
  };
}

async function measure(name: Name): Promise<Row> {
  const measured: { held: Rates; free: Rates }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const prompt = PROMPTS[name];
    const held = await rateOf({
      prompt,
      seed: round,
      max_tokens: TOKENS_MAX,
      response_format: { type: "json_schema", json_schema: { name, schema: SCHEMAS[name] } },
    });
    const max_tokens = Math.max(32, held.completionTokens);
    const free = await rateOf({ prompt, seed: round, max_tokens, ignore_eos: true });
    // The first round warms both up.
    if (round > 0) measured.push({ held, free });
  }
  const figure = (pick: (round: { held: Rates; free: Rates }) => number, digits = 1) =>
    median(measured.map(pick)).toFixed(digits);
  const ratios = measured.map(({ held, free }) => held.steady / free.steady);
  return {
    schema: name,
    tokens: figure(({ held }) => held.completionTokens, 0),
    "free t/s": figure(({ free }) => free.steady),
    "schema t/s": figure(({ held }) => held.steady),
    ratio: median(ratios).toFixed(2),
    range: `${Math.min(...ratios).toFixed(2)}..${Math.max(...ratios).toFixed(2)}`,
    "whole ratio": figure(({ held, free }) => held.whole / free.whole, 2),
  };
}

const rows: Row[] = [];
for (const name of Object.keys(SCHEMAS) as Name[]) rows.push(await measure(name));
printTable(
  `Structured output: temperature 0.7, ${threads} threads, ${rounds} rounds (ratio >= 0.95, >= 1.2 in the median)`,
  rows,
);
