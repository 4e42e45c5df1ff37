/**
 * Arbitrary valid inputs of a zod schema, for property tests.
 *
 * Each level is filtered by its own schema, so that rules between fields hold without being known
 * here. Only what the schemas of packages/localmodel are made of is supported.
 */
import fc, { type Arbitrary } from "fast-check";
import { z } from "zod";

export function arbitraryInput<Schema extends z.ZodType>(
  schema: Schema,
): Arbitrary<z.input<Schema>> {
  return arbitraryOf(schema).filter((value) => schema.safeParse(value).success) as Arbitrary<
    z.input<Schema>
  >;
}

function arbitraryOf(schema: z.core.$ZodType): Arbitrary<unknown> {
  if (schema instanceof z.ZodObject) return arbitraryObject(schema);
  if (schema instanceof z.ZodArray) {
    return fc.array(arbitraryInput(schema.element as z.ZodType), { maxLength: 3 });
  }
  if (schema instanceof z.ZodRecord) return arbitraryRecord(schema);
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return arbitraryInput(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodExactOptional) return arbitraryInput(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodPipe) {
    return fc.oneof(arbitraryInput(schema.out as z.ZodType), fc.nat());
  }
  return arbitraryScalar(schema);
}

function arbitraryScalar(schema: z.core.$ZodType): Arbitrary<unknown> {
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values);
  if (schema instanceof z.ZodUnknown) return fc.oneof(fc.boolean(), fc.nat(), fc.string());
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodString) return arbitraryString(schema);
  if (!(schema instanceof z.ZodNumber)) throw new Error(`no arbitrary for ${schema._zod.def.type}`);
  const range = { min: schema.minValue ?? 0, max: schema.maxValue ?? 0 };
  if (schema.isInt) return fc.integer(range);
  // JSON has no negative zero: it comes back as zero.
  return fc.double({ ...range, noNaN: true }).map((number) => (number === 0 ? 0 : number));
}

/** Required fields always, optional ones now and then. */
function arbitraryObject(schema: z.ZodObject): Arbitrary<unknown> {
  const fields = Object.entries(schema.shape);
  const arbitraries = fields.map(([name, field]) => {
    const present = arbitraryInput(field).map((value) => ({ [name]: value }));
    if (isRequired(field)) return present;
    return fc.oneof({ arbitrary: fc.constant({}), weight: 4 }, { arbitrary: present, weight: 1 });
  });
  return fc.tuple(...arbitraries).map((parts) => Object.assign({}, ...parts) as unknown);
}

function isRequired(field: z.core.$ZodType): boolean {
  const mayBeLeftOut = [z.ZodExactOptional, z.ZodDefault, z.ZodPrefault];
  return !mayBeLeftOut.some((kind) => field instanceof kind);
}

function arbitraryRecord(schema: z.ZodRecord): Arbitrary<unknown> {
  const key = fc.stringMatching(/^([a-z]{1,8}\.example\.com\/)?[A-Za-z0-9]{1,12}$/);
  return fc.dictionary(key, arbitraryInput(schema.valueType as z.ZodType), { maxKeys: 3 });
}

const awkward = [
  "yes",
  "null",
  "1e3",
  "0x10",
  " a ",
  "a: b",
  "- a",
  "# a",
  "'",
  "é\u2028",
  "😀",
  "~",
];

/** Strings that look like other YAML, and strings of the shape the pattern asks for. */
function arbitraryString(schema: z.ZodString): Arbitrary<string> {
  return fc
    .oneof(arbitraryShape(schema), fc.constantFrom(...awkward))
    .filter((it) => schema.safeParse(it).success);
}

function arbitraryShape(schema: z.ZodString): Arbitrary<string> {
  const { pattern } = z.toJSONSchema(schema);
  if (pattern === undefined) return fc.string({ maxLength: 20 });
  // Two shapes that fast-check cannot make from their patterns: URLs and Unicode classes.
  if (pattern.startsWith("^https?")) return fc.webUrl({ withQueryParameters: true });
  if (pattern.includes("\\p")) return fc.stringMatching(/^[ -.0-[\]-~]{1,9}(\/[a-z]{1,4})?$/);
  return fc.stringMatching(new RegExp(pattern), { size: "-1" });
}
