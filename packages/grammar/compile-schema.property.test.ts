import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "./compile-schema.ts";
import { ajv } from "../../test/support/ajv.ts";
import { judgeOfGbnf, randomFrom } from "./fixtures/judge.ts";
import { randomPair } from "./fixtures/random-pair.ts";
import { randomDocument } from "./fixtures/random-schema.ts";
import { GrammarError } from "./grammar-error.ts";
import type { Json } from "./json.ts";

const SEED = Number(process.env["GRAMMAR_SEED"] ?? 20261128);
const SCHEMAS = Number(process.env["GRAMMAR_SCHEMAS"] ?? 800);
const SAMPLES = 8;

/** Ajv, an implementation that shares nothing with ours. Undefined where what it made of the schema breaks. */
function ajvValidator(schema: Json): (value: unknown) => boolean | undefined {
  const validate = ajv.compile(schema as object | boolean);
  return (value) => {
    try {
      return validate(value);
    } catch (error) {
      // It writes into a list of evaluated members that it has not made.
      if (error instanceof TypeError) return undefined;
      // A schema that refers to itself in the same place has it go round for ever.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  };
}

test("whatever a grammar of a random schema writes, an independent validator accepts", () => {
  const random = randomFrom(SEED);
  let compiled = 0;
  let unjudged = 0;
  for (let i = 0; i < SCHEMAS; i++) {
    const schema = randomDocument(random);
    const gbnf = compiledOrRefused(schema);
    if (gbnf === undefined) continue;
    compiled++;
    const judge = judgeOfGbnf(gbnf);
    const validate = ajvValidator(schema);
    for (let n = 0; n < SAMPLES; n++) {
      const text = judge.sample(random, n * 12);
      assert.ok(judge.accepts(text), `${JSON.stringify(schema)} does not accept its own ${text}`);
      const verdict = validate(JSON.parse(text));
      assert.notEqual(verdict, false, `${JSON.stringify(schema)} allowed ${text}`);
      if (verdict === undefined) unjudged++;
    }
  }
  assert.ok(unjudged < (compiled * SAMPLES) / 100, `${unjudged} texts were not judged`);
  assert.ok(compiled > SCHEMAS * 0.6, `only ${compiled} of ${SCHEMAS} schemas were compiled`);
});

test("whatever a random schema allows by how it is made, its grammar accepts", () => {
  const random = randomFrom(SEED);
  let compiled = 0;
  for (let i = 0; i < SCHEMAS; i++) {
    const { schema, value } = randomPair(random);
    const text = JSON.stringify(value);
    assert.notEqual(
      ajvValidator(schema)(value),
      false,
      `${JSON.stringify(schema)} forbids ${text}`,
    );
    const gbnf = compiledOrRefused(schema);
    if (gbnf === undefined) continue;
    compiled++;
    assert.ok(judgeOfGbnf(gbnf).accepts(text), `${JSON.stringify(schema)} rejected ${text}`);
  }
  assert.ok(compiled > SCHEMAS * 0.9, `only ${compiled} of ${SCHEMAS} schemas were compiled`);
});

function compiledOrRefused(schema: Json): string | undefined {
  try {
    return compileSchema(schema, { limits: { steps: 1_000_000 } });
  } catch (error) {
    if (error instanceof GrammarError) return undefined;
    throw new Error(`${JSON.stringify(schema)} was neither compiled nor refused`, { cause: error });
  }
}
