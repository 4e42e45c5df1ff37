import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "./compile-schema.ts";
import { ajv } from "../../test/support/ajv.ts";
import { judgeOfGbnf, randomFrom } from "./fixtures/judge.ts";
import { randomSchema } from "./fixtures/random-schema.ts";
import { GrammarError } from "./grammar-error.ts";
import type { Json } from "./json.ts";

const SEED = Number(process.env["GRAMMAR_SEED"] ?? 20261128);
const SCHEMAS = Number(process.env["GRAMMAR_SCHEMAS"] ?? 800);
const SAMPLES = 8;

/** Ajv, an implementation that shares nothing with ours. */
function ajvValidator(schema: Json): (value: unknown) => boolean {
  const validate = ajv.compile(schema as object | boolean);
  return (value) => validate(value);
}

test("whatever a grammar of a random schema writes, an independent validator accepts", () => {
  const random = randomFrom(SEED);
  let compiled = 0;
  for (let i = 0; i < SCHEMAS; i++) {
    const schema = randomSchema(random);
    const gbnf = compiledOrRefused(schema);
    if (gbnf === undefined) continue;
    compiled++;
    const judge = judgeOfGbnf(gbnf);
    const validate = ajvValidator(schema);
    for (let n = 0; n < SAMPLES; n++) {
      const text = judge.sample(random, n * 12);
      assert.ok(judge.accepts(text), `${JSON.stringify(schema)} does not accept its own ${text}`);
      assert.ok(validate(JSON.parse(text)), `${JSON.stringify(schema)} allowed ${text}`);
    }
  }
  assert.ok(compiled > SCHEMAS * 0.6, `only ${compiled} of ${SCHEMAS} schemas were compiled`);
});

function compiledOrRefused(schema: Json): string | undefined {
  try {
    return compileSchema(schema, { limits: { steps: 1_000_000 } });
  } catch (error) {
    if (error instanceof GrammarError) return undefined;
    throw new Error(`${JSON.stringify(schema)} was neither compiled nor refused`, { cause: error });
  }
}
