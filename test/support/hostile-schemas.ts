/**
 * JSON Schemas that are small to send and that hurt whoever compiles them, follows them or checks an answer by them, by what
 * they do. Each fits into a request: none is deeper or wider than a body may be.
 */

export type Schema = Readonly<Record<string, unknown>>;

type HostileSchema = {
  readonly name: string;
  /** It takes a great part of all the work that a schema may take. */
  readonly isDear?: boolean;
  /** No instance of it is right or wrong: validators never end with it. */
  readonly isEndless?: boolean;
  readonly make: () => Schema;
};

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function members(count: number, make: (index: number) => unknown, name = "p"): Schema {
  return Object.fromEntries(many(count, (index) => [`${name}${index}`, make(index)]));
}

function object(properties: Schema, rest: Schema = {}): Schema {
  return { type: "object", properties, ...rest };
}

function nested(depth: number, wrap: (inner: Schema, level: number) => Schema): Schema {
  return many(depth, (level) => level).reduce(wrap, { type: "string", maxLength: 3 } as Schema);
}

/** Not a literal: one that has a member `then` looks like a promise. */
function conditional(...schemas: readonly [condition: Schema, met: Schema, unmet: Schema]): Schema {
  return Object.fromEntries(["if", "then", "else"].map((word, index) => [word, schemas[index]]));
}

const ref = (index: number): Schema => ({ $ref: `#/$defs/p${index}` });
const defined = (definitions: Schema): Schema => ({ ...ref(0), $defs: definitions });
const pattern = (text: string): Schema => ({ type: "string", pattern: text });

const STRUCTURES: readonly HostileSchema[] = [
  {
    name: "nests arrays deep",
    make: () => nested(25, (items) => ({ type: "array", minItems: 1, items })),
  },
  {
    name: "nests objects deep",
    make: () => nested(24, (a) => object({ a }, { required: ["a"] })),
  },
  {
    name: "nests choices deep",
    make: () => nested(20, (inner) => ({ anyOf: [inner, { type: "null" }] })),
  },
  { name: "is a tower of denials", make: () => nested(50, (not) => ({ not })) },
  {
    name: "is a tower of conditions",
    make: () =>
      nested(40, (inner, level) =>
        conditional({ required: [`a${level}`] }, inner, { maxProperties: level }),
      ),
  },
  {
    name: "doubles choices at each level",
    make: () =>
      nested(8, (inner, level) =>
        object({ a: { anyOf: [inner, object({ [`b${level}`]: inner })] } }),
      ),
  },
  {
    name: "multiplies choices",
    make: () => ({
      allOf: many(20, (k) => ({ anyOf: many(20, (i) => object({ [`a${k}`]: { const: i } })) })),
    }),
  },
  {
    name: "multiplies conditions",
    make: () => ({
      ...object(members(12, () => ({ type: "integer" }))),
      allOf: many(12, (k) =>
        conditional(
          { properties: { [`p${k}`]: { minimum: 3 } }, required: [`p${k}`] },
          { required: [`p${(k + 1) % 12}`] },
          { required: [`p${(k + 2) % 12}`] },
        ),
      ),
    }),
  },
  {
    name: "has five hundred exclusive objects",
    isDear: true,
    make: () => ({
      oneOf: many(500, (i) => object({ kind: { const: `k${i}` } }, { required: ["kind"] })),
    }),
  },
  {
    name: "has five hundred exclusive numbers",
    isDear: true,
    make: () => ({ oneOf: many(500, (minimum) => ({ minimum })) }),
  },
  {
    name: "has five thousand choices",
    make: () => ({ anyOf: many(5000, (i) => object({ [`a${i}`]: {} })) }),
  },
  {
    name: "demands members of one another",
    isDear: true,
    make: () =>
      object(
        members(16, () => ({})),
        { dependentRequired: members(16, (i) => [`p${(i + 1) % 16}`, `p${(i + 3) % 16}`]) },
      ),
  },
  {
    name: "has schemas that depend on members",
    isDear: true,
    make: () =>
      object(
        members(10, () => ({})),
        {
          dependentSchemas: members(10, () => object(members(10, (minimum) => ({ minimum })))),
        },
      ),
  },
  {
    name: "leaves members unevaluated beside choices",
    make: () => ({
      type: "object",
      allOf: many(60, (i) => ({ anyOf: [object({ [`a${i}`]: {} }), object({ [`b${i}`]: {} })] })),
      unevaluatedProperties: false,
    }),
  },
  {
    name: "nests deeper than a body may",
    make: () => nested(100, (items) => ({ type: "array", items })),
  },
  {
    name: "has a hundred thousand members",
    make: () => object(members(100_000, () => true)),
  },
  {
    name: "has seven thousand members that are required",
    make: () =>
      object(
        members(7000, () => ({ type: "integer" })),
        { required: many(7000, (i) => `p${i}`) },
      ),
  },
  {
    name: "counts members",
    make: () =>
      object(
        members(150, () => ({})),
        { minProperties: 70, maxProperties: 75 },
      ),
  },
  {
    name: "has patterns of names that overlap",
    isDear: true,
    make: () => ({
      type: "object",
      patternProperties: members(14, (minimum) => ({ minimum }), "[a-m].*"),
    }),
  },
  {
    name: "has exclusive patterns of names",
    make: () => ({
      oneOf: many(12, (i) => ({
        type: "object",
        patternProperties: { [`^[a-z]{${i + 1}}$`]: { type: "integer" } },
        additionalProperties: false,
        minProperties: 1,
      })),
    }),
  },
  {
    name: "has names by a pattern",
    make: () =>
      object(
        members(300, () => ({}), "a"),
        { propertyNames: { pattern: "^(a|b)+\\d{1,20}$", maxLength: 20 } },
      ),
  },
  {
    name: "has names of ten thousand letters",
    make: () =>
      object(
        members(40, () => ({}), "n".repeat(10_000)),
        { required: ["x"] },
      ),
  },
];

const REFERENCES: readonly HostileSchema[] = [
  { name: "is itself", isEndless: true, make: () => ({ $ref: "#" }) },
  {
    name: "refers in a circle",
    isEndless: true,
    make: () => defined(members(500, (i) => ref((i + 1) % 500))),
  },
  { name: "denies itself", isEndless: true, make: () => ({ not: { $ref: "#" } }) },
  {
    name: "never ends",
    make: () => defined({ p0: object({ a: ref(0) }, { required: ["a"] }) }),
  },
  {
    name: "doubles what it refers to",
    make: () =>
      defined({
        ...members(12, (i) => ({ allOf: [ref(i + 1), ref(i + 1)] })),
        p12: { type: "string" },
      }),
  },
  {
    name: "doubles in members what it refers to",
    make: () =>
      defined({
        ...members(40, (i) => object({ a: ref(i + 1), b: ref(i + 1) }, { required: ["a", "b"] })),
        p40: { type: "string" },
      }),
  },
  {
    name: "refers from everywhere to everywhere",
    isDear: true,
    make: () => defined(members(60, () => object(members(60, ref)))),
  },
  {
    name: "refers from choices to choices",
    isDear: true,
    make: () =>
      defined(
        members(12, () => ({
          anyOf: [...many(12, (k) => ({ type: "array", items: ref(k) })), { type: "null" }],
        })),
      ),
  },
  {
    name: "merges what refers to one another",
    isDear: true,
    make: () =>
      defined(
        members(16, (i) =>
          object({
            x: ref((i + 1) % 16),
            y: { allOf: [ref((i * 5 + 1) % 16), ref((i * 7 + 3) % 16)] },
          }),
        ),
      ),
  },
];

const TEXTS: readonly HostileSchema[] = [
  {
    name: "has fifty thousand values",
    isDear: true,
    make: () => ({ enum: many(50_000, (i) => `value ${(i * 7919) % 50_000}`) }),
  },
  {
    name: "has twenty thousand numbers",
    isDear: true,
    make: () => ({ enum: many(20_000, (i) => i * 1.37) }),
  },
  { name: "looks back thirty letters", isDear: true, make: () => pattern("^(a|b)*a(a|b){30}$") },
  {
    name: "denies a pattern that looks back",
    isDear: true,
    make: () => ({ type: "string", not: { pattern: "(a|b)*a(a|b){14}$" } }),
  },
  {
    name: "looks ahead ten times",
    isDear: true,
    make: () => pattern(`^${many(10, (i) => `(?=.*${"abcdefghij"[i]})`).join("")}[a-z]{20,40}$`),
  },
  { name: "backtracks for ever", make: () => pattern("^((a+)+)+$") },
  { name: "repeats a letter a billion times", make: () => pattern("^a{1,1000000000}$") },
  { name: "groups five thousand times", make: () => pattern("(".repeat(5000) + ")".repeat(5000)) },
  {
    name: "has classes of all letters there are",
    isDear: true,
    make: () => pattern("^[\\p{L}\\p{N}]{1,200}$"),
  },
  {
    name: "has three hundred classes of nearly all letters",
    make: () => pattern(`^(${many(300, (i) => `[^\\u0${(0x100 + i).toString(16)}]`).join("|")})*$`),
  },
  {
    name: "has a pattern and a length",
    isDear: true,
    make: () => ({ ...pattern("^[a-z]+( [a-z]+)*$"), minLength: 3000, maxLength: 5000 }),
  },
  {
    name: "is a string of a billion letters",
    make: () => ({ type: "string", minLength: 1e9, maxLength: 1e9 }),
  },
  {
    name: "denies formats",
    make: () => ({
      ...pattern("^[a-z]+$"),
      allOf: ["uri", "email", "hostname", "date-time"].map((format) => ({ not: { format } })),
    }),
  },
];

const LISTS_AND_NUMBERS: readonly HostileSchema[] = [
  {
    name: "is a billion strings",
    make: () => ({ type: "array", minItems: 1e9, items: { type: "string" } }),
  },
  {
    name: "has lists of a hundred in lists of a hundred",
    make: () => nested(6, (items) => ({ type: "array", minItems: 50, maxItems: 100, items })),
  },
  {
    name: "begins with ten thousand items",
    isDear: true,
    make: () => ({ prefixItems: many(10_000, (i) => ({ const: i })) }),
  },
  {
    name: "contains five hundred",
    make: () => ({ type: "array", contains: { const: 1 }, minContains: 500, maxContains: 1000 }),
  },
  {
    name: "has unique items of many",
    make: () => ({
      type: "array",
      uniqueItems: true,
      minItems: 14,
      items: { enum: many(40, Number) },
    }),
  },
  {
    name: "is a multiple of a tiny fraction",
    isDear: true,
    make: () => ({ type: "number", multipleOf: 0.000_123_457, minimum: -1e300, maximum: 1e300 }),
  },
  {
    name: "is a multiple of a large number",
    make: () => ({ type: "integer", multipleOf: 99_991 }),
  },
  {
    name: "denies fifty ranges",
    isDear: true,
    make: () => ({
      type: "number",
      not: { anyOf: many(50, (i) => ({ minimum: i, maximum: i + 0.5 })) },
    }),
  },
  {
    name: "denies lists",
    make: () => ({ not: { enum: many(1000, (i) => [i, [i], { a: i }]) } }),
  },
];

export const HOSTILE_SCHEMAS: readonly HostileSchema[] = [
  ...STRUCTURES,
  ...REFERENCES,
  ...TEXTS,
  ...LISTS_AND_NUMBERS,
];
