/**
 * Reads the declarations of a C header that is written as llama.cpp writes its own: enums, structures, callbacks,
 * aliases and functions. Pure: text in, declarations out.
 *
 * It is no C compiler. What it cannot read it leaves out, and whoever asks for a declaration that was left out is told.
 */
export type Parameter = { readonly name: string; readonly type: string };

export type CFunction = { readonly result: string; readonly parameters: readonly Parameter[] };

export type Header = {
  /** Names and values of constants, enumerators and numeric `#define`s alike. */
  readonly constants: ReadonlyMap<string, number>;
  /** Names of the enumerators of each enum, in order. */
  readonly enums: ReadonlyMap<string, readonly string[]>;
  readonly structs: ReadonlyMap<string, readonly Parameter[]>;
  /** Types of function pointers. */
  readonly callbacks: ReadonlyMap<string, CFunction>;
  /** `typedef int32_t llama_token` and the like. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly functions: ReadonlyMap<string, CFunction>;
};

type Reading = { -readonly [Part in keyof Header]: Map<string, MapValue<Header[Part]>> };
type MapValue<Of> = Of extends ReadonlyMap<string, infer Value> ? Value : never;

export function readHeaders(texts: readonly string[]): Header {
  const reading: Reading = {
    constants: new Map(),
    enums: new Map(),
    structs: new Map(),
    callbacks: new Map(),
    aliases: new Map(),
    functions: new Map(),
  };
  for (const text of texts) {
    for (const [name, value] of defines(text)) reading.constants.set(name, value);
    for (const statement of statements(text)) readStatement(statement, reading);
  }
  return reading;
}

/** What a statement may be, and what is to be noted of it. The first that matches is it. */
const FORMS: readonly (readonly [RegExp, (reading: Reading, ...parts: string[]) => void])[] = [
  [
    /^(?:typedef )?enum (\w+) \{(.*)\}/,
    ({ enums, constants }, name = "", body = "") => enums.set(name, enumerators(body, constants)),
  ],
  [
    /^(?:typedef )?struct (\w+) \{(.*)\}/,
    ({ structs }, name = "", body = "") => {
      const fields = fieldsOf(body);
      if (fields !== undefined) structs.set(name, fields);
    },
  ],
  [
    /^typedef (.+?) ?\( ?\* ?(\w+) ?\) ?\((.*)\)$/,
    ({ callbacks }, result = "", name = "", parameters = "") =>
      callbacks.set(name, { result: typeOf(result), parameters: parametersOf(parameters) }),
  ],
  [
    /^typedef ([^()]+?) ?(\w+)$/,
    ({ aliases }, target = "", name = "") => {
      const type = typeOf(target);
      // `typedef struct thing thing` is for C, where a structure's name is no type's.
      if (type !== name) aliases.set(name, type);
    },
  ],
  [
    /^(?:LLAMA_API|GGML_API|GGML_BACKEND_API|MTMD_API) (.+?) ?(\w+) ?\((.*)\)$/,
    ({ functions }, result = "", name = "", parameters = "") =>
      functions.set(name, { result: typeOf(result), parameters: parametersOf(parameters) }),
  ],
];

function readStatement(statement: string, reading: Reading): void {
  for (const [form, note] of FORMS) {
    const match = form.exec(statement);
    if (match === null) continue;
    note(reading, ...match.slice(1));
    return;
  }
}

/** Declarations without comments and directives, each on one line. */
function statements(text: string): readonly string[] {
  const code = text
    .replaceAll(/\/\*[\s\S]*?\*\//g, " ")
    .replaceAll(/\/\/.*$/gm, " ")
    .replaceAll(/^\s*#(?:.*\\\n)*.*$/gm, " ")
    .replaceAll(/extern "C" \{/g, " ")
    .replaceAll(/\s+/g, " ");
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < code.length; at += 1) {
    if (code[at] === "{") depth += 1;
    if (code[at] === "}") depth -= 1;
    if (code[at] !== ";" || depth > 0) continue;
    found.push(code.slice(start, at).trim());
    start = at + 1;
  }
  return found;
}

function defines(text: string): readonly (readonly [string, number])[] {
  return [...text.matchAll(/^#define (\w+) +(-?(?:0x[0-9a-fA-F]+|\d+))u? *(?:\/\/.*)?$/gm)].map(
    ([, name = "", value = ""]) => [name, Number(value)] as const,
  );
}

function enumerators(body: string, constants: Map<string, number>): readonly string[] {
  let next = 0;
  const names: string[] = [];
  for (const entry of body.split(",").filter((text) => text.trim() !== "")) {
    const [name = "", expression] = entry.split("=").map((part) => part.trim());
    const value = expression === undefined ? next : valueOf(expression, constants);
    constants.set(name, value);
    names.push(name);
    next = value + 1;
  }
  return names;
}

function valueOf(expression: string, constants: ReadonlyMap<string, number>): number {
  const [, base, shift] = /^\(?(\d+) << (\d+)\)?$/.exec(expression) ?? [];
  if (base !== undefined) return Number(base) << Number(shift);
  const value = constants.get(expression) ?? Number(expression);
  if (Number.isNaN(value)) throw new Error(`Cannot read the value of an enumerator: ${expression}`);
  return value;
}

/** Undefined for a structure with a union or a nested structure: nothing here needs one. */
function fieldsOf(body: string): readonly Parameter[] | undefined {
  if (/[{}]/.test(body)) return undefined;
  const fields = body.split(";").filter((text) => text.trim() !== "");
  // A field that is a function pointer written in place.
  if (fields.some((field) => field.includes("("))) return undefined;
  return fields.map((field) => declaration(field));
}

function parametersOf(list: string): readonly Parameter[] {
  if (list.trim() === "" || list.trim() === "void") return [];
  return list.split(",").map((text, index) => declaration(text, `argument${index}`));
}

/** `const char * name` as name and type, `int name[2]` as `int[2]`. A parameter may have no name. */
function declaration(text: string, unnamed = ""): Parameter {
  const [, type = text, name = unnamed, length = ""] =
    /^(.*[ *])(\w+)(\[\w+\])?$/.exec(text.trim()) ?? [];
  return { name, type: `${typeOf(type)}${length}` };
}

/** One way to write each type: no `struct` and `enum`, one space before stars, and nothing constant but behind a pointer. */
function typeOf(text: string): string {
  return text
    .replaceAll(/\b(struct|enum) /g, "")
    .replace(/^const (?=[^*]*$)/, "")
    .replaceAll(/\s*\*\s*/g, "*")
    .replace("*", " *")
    .replaceAll(/\s+/g, " ")
    .trim();
}
