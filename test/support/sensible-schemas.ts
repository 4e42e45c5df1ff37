/** Schemas as people write them, of all keywords that the server guarantees, whose instances are short. */
import fc, { type Arbitrary } from "fast-check";

const NAMES = ["id", "name", "with space", 'qu"ote', "ünicode", "x"];

const text = fc.record(
  {
    type: fc.constant("string"),
    minLength: fc.nat({ max: 3 }),
    maxLength: fc.integer({ min: 3, max: 12 }),
  },
  { requiredKeys: ["type", "maxLength"] },
);
const formatted = fc.record({
  type: fc.constant("string"),
  format: fc.constantFrom("date", "time", "uuid", "ipv4"),
});
const patterned = fc.record({
  type: fc.constant("string"),
  pattern: fc.constantFrom("^[a-z]{1,5}$", "^\\d{3}-\\d{2}$", "^(foo|bär)+$", "^[^a-z]{0,3}x$"),
  maxLength: fc.constant(12),
});
const number = fc
  .tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat({ max: 2000 }))
  .chain(([minimum, span]) =>
    fc.record(
      {
        type: fc.constantFrom("integer", "number"),
        minimum: fc.constant(minimum),
        maximum: fc.constant(minimum + span),
      },
      { requiredKeys: ["type"] },
    ),
  )
  .map((schema) =>
    "minimum" in schema ? schema : { ...schema, type: "integer", maximum: 10 ** 6 },
  );
const chosen = fc.record({
  enum: fc.uniqueArray(
    fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean(), fc.constant(null)),
    { minLength: 1, maxLength: 5 },
  ),
});
const simple = fc.constantFrom({ type: "boolean" }, { type: "null" }, { const: { a: [1, "é"] } });

const leaf: Arbitrary<object> = fc.oneof(text, formatted, patterned, number, chosen, simple);

export const sensibleSchema: Arbitrary<object> = fc.letrec<{ schema: object }>((tie) => {
  const list = fc.record(
    {
      type: fc.constant("array"),
      items: tie("schema"),
      minItems: fc.nat({ max: 2 }),
      maxItems: fc.integer({ min: 2, max: 3 }),
    },
    { requiredKeys: ["type", "items", "maxItems"] },
  );
  const object = fc
    .record({
      properties: fc.dictionary(fc.constantFrom(...NAMES), tie("schema"), { maxKeys: 4 }),
      required: fc.subarray(NAMES),
    })
    .map(({ properties, required }) => ({
      type: "object",
      properties,
      required: required.filter((name) => Object.hasOwn(properties, name)),
      additionalProperties: false,
    }));
  const either = fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) });
  return {
    schema: fc.oneof({ maxDepth: 3, depthSize: "small" }, leaf, object, object, list, either),
  };
}).schema;
