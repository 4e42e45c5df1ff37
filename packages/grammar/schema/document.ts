/**
 * A schema document: every subschema in it, and where references lead.
 *
 * Subschemas are found by walking the keywords that hold schemas, so that an `enum` value that looks like a schema is
 * none. Identity matters: a subschema is one object here, however many references lead to it.
 */
import type { Budget } from "../budget.ts";
import { GrammarError } from "../grammar-error.ts";
import { type Json, type JsonObject, canonicalText, isArray, isObject } from "../json.ts";
import { dynamicAnchorOf, dynamicTarget } from "./dynamic-target.ts";

/** Drafts differ in few keywords; where a document names none, the newest is meant. */
type Dialect = "draft4" | "draft6" | "draft7" | "2019-09" | "2020-12";

export type Subschema = {
  readonly id: number;
  readonly schema: JsonObject | boolean;
  /** JSON pointer as a URI fragment. */
  readonly path: string;
  readonly base: string;
  readonly dialect: Dialect;
};

export type SchemaDocument = {
  readonly root: Subschema;
  /** The schema `false`. */
  readonly never: Subschema;
  /** The schema of this value alone. */
  readonly constant: (value: Json) => Subschema;
  /** The subschema at a keyword (and a name or index in it) of another. */
  readonly child: (of: Subschema, keyword: string, key?: string | number) => Subschema;
  readonly resolve: (from: Subschema, reference: string, keyword: string) => Subschema;
};

const ONE =
  "additionalItems additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems unevaluatedProperties".split(
    " ",
  );
const LISTS = "allOf anyOf oneOf prefixItems items".split(" ");
const MAPS = "$defs definitions dependencies dependentSchemas patternProperties properties".split(
  " ",
);

const ROOT_BASE = "schema:/";

/** What is known of a document while it is read. */
type Index = {
  readonly budget: Budget;
  readonly dialect: Dialect;
  readonly subschemas: Map<Json, Subschema>;
  readonly resources: Map<string, Subschema>;
  readonly anchors: Map<string, Subschema>;
  readonly dynamicAnchors: Map<string, readonly Subschema[]>;
};

type Place = { readonly path: string; readonly base: string; readonly depth: number };

export function readDocument(schema: Json, budget: Budget): SchemaDocument {
  const index: Index = {
    budget,
    dialect: dialectOf(schema),
    subschemas: new Map(),
    resources: new Map(),
    anchors: new Map(),
    dynamicAnchors: new Map(),
  };
  const root = add(schema, { path: "#", base: ROOT_BASE, depth: 0 }, index);
  index.resources.set(ROOT_BASE, root);

  const child = (of: Subschema, keyword: string, key?: string | number): Subschema => {
    const holder = isObject(of.schema) ? of.schema[keyword] : undefined;
    const value = key === undefined ? holder : memberOf(holder, String(key));
    const name = key === undefined ? "" : `/${escapePointer(String(key))}`;
    const path = `${of.path}/${keyword}${name}`;
    return add(value ?? null, { path, base: of.base, depth: path.split("/").length }, index);
  };

  const top: Place = { path: "#", base: ROOT_BASE, depth: 0 };
  const constants = new Map<string, JsonObject>();
  const constant = (value: Json): Subschema => {
    const key = canonicalText(value);
    const made = constants.get(key) ?? { const: value };
    constants.set(key, made);
    return add(made, top, index);
  };

  return {
    root,
    never: add(false, top, index),
    constant,
    child,
    resolve: (from, reference, keyword) => {
      const found = resolveReference(reference, from, index);
      if (found !== undefined)
        return dynamicTarget({ from, keyword, reference, found }, root, index.dynamicAnchors);
      const message = `${JSON.stringify(reference)} leads to no subschema of this document`;
      throw new GrammarError("invalid", message, from.path, keyword);
    },
  };
}

function add(given: Json, place: Place, index: Index): Subschema {
  const { path, depth } = place;
  const { limits, spend } = index.budget;
  const known = index.subschemas.get(given);
  if (known !== undefined) return known;
  if (depth > limits.depth) {
    throw new GrammarError("too_large", `nests deeper than ${limits.depth} levels`, path);
  }
  if (typeof given !== "boolean" && !isObject(given)) {
    throw new GrammarError("invalid", "a schema is an object or a boolean", path);
  }
  if (index.subschemas.size >= limits.subschemas) {
    throw new GrammarError("too_large", `more than ${limits.subschemas} subschemas`, path);
  }
  spend(1);
  const { resource, anchors } = namesOf(given, place.base, index.dialect);
  const id = index.subschemas.size + 1;
  const subschema: Subschema = { id, schema: given, path, base: resource, dialect: index.dialect };
  index.subschemas.set(given, subschema);
  if (resource !== place.base) setNew(index.resources, resource, subschema);
  for (const name of anchors) setNew(index.anchors, `${resource}#${name}`, subschema);
  addDynamic(subschema, index);
  for (const [name, each] of childrenOf(given)) {
    add(each, { path: `${path}/${name}`, base: resource, depth: depth + 1 }, index);
  }
  return subschema;
}

/** The first of a name counts. */
function setNew(map: Map<string, Subschema>, key: string, subschema: Subschema): void {
  if (!map.has(key)) map.set(key, subschema);
}

function addDynamic(subschema: Subschema, { dynamicAnchors }: Index): void {
  const name = dynamicAnchorOf(subschema);
  if (name === undefined) return;
  const known = dynamicAnchors.get(name) ?? [];
  if (known.every(({ base }) => base !== subschema.base))
    dynamicAnchors.set(name, [...known, subschema]);
}

/** Drafts up to 7 read nothing beside a reference, its base included. */
function isOnlyReference(schema: JsonObject, dialect: Dialect): boolean {
  return dialect.startsWith("draft") && typeof schema["$ref"] === "string";
}

/** The URI of the resource that a subschema belongs to or begins, and the names by which it can be referred to. */
function namesOf(schema: JsonObject | boolean, base: string, dialect: Dialect) {
  if (typeof schema === "boolean" || isOnlyReference(schema, dialect))
    return { resource: base, anchors: [] };
  const id = schema["$id"] ?? (dialect === "draft4" ? schema["id"] : undefined);
  const [resource = base, fragment] = (typeof id === "string" ? resolveUri(id, base) : base).split(
    "#",
    2,
  );
  const names = [fragment, schema["$anchor"], schema["$dynamicAnchor"]];
  const anchors = names.flatMap((name) => (typeof name === "string" && name !== "" ? [name] : []));
  return { resource, anchors };
}

function childrenOf(schema: JsonObject | boolean): readonly (readonly [string, JsonObject])[] {
  if (typeof schema === "boolean") return [];
  const children: [string, Json][] = [];
  for (const keyword of ONE) children.push([keyword, schema[keyword] ?? null]);
  for (const keyword of LISTS) {
    const list = schema[keyword];
    if (isArray(list)) list.forEach((each, i) => children.push([`${keyword}/${i}`, each]));
  }
  for (const keyword of MAPS) {
    const map = schema[keyword];
    if (!isObject(map)) continue;
    for (const [name, each] of Object.entries(map)) {
      children.push([`${keyword}/${escapePointer(name)}`, each]);
    }
  }
  return children.flatMap(([name, each]) => (isObject(each) ? [[name, each] as const] : []));
}

function resolveReference(reference: string, from: Subschema, index: Index): Subschema | undefined {
  const [resource = "", fragment = ""] = resolveUri(reference, from.base).split("#", 2);
  const start = index.resources.get(resource);
  if (start === undefined || fragment === "") return start;
  if (!fragment.startsWith("/")) return index.anchors.get(`${resource}#${fragment}`);
  let value: Json | undefined = start.schema;
  let { base } = start;
  for (const token of fragment.slice(1).split("/")) {
    value = memberOf(value, unescapePointer(token));
    if (value === undefined) return undefined;
    base = index.subschemas.get(value)?.base ?? base;
  }
  const path = start.path + fragment;
  return add(value, { path, base, depth: path.split("/").length }, index);
}

function memberOf(holder: Json | undefined, key: string): Json | undefined {
  if (isArray(holder)) return holder[Number(key)];
  return isObject(holder) && Object.hasOwn(holder, key) ? holder[key] : undefined;
}

function dialectOf(schema: Json): Dialect {
  const name = isObject(schema) ? schema["$schema"] : undefined;
  if (typeof name !== "string") return "2020-12";
  if (/draft-0?[34]/.test(name)) return "draft4";
  if (/draft-0?6/.test(name)) return "draft6";
  if (/draft-0?7/.test(name)) return "draft7";
  return name.includes("2019-09") ? "2019-09" : "2020-12";
}

function resolveUri(reference: string, base: string): string {
  if (reference.startsWith("#")) return base.split("#", 1)[0] + reference;
  try {
    return new URL(reference, base).href;
  } catch {
    return reference;
  }
}

function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function unescapePointer(token: string): string {
  let text = token;
  try {
    text = decodeURIComponent(token);
  } catch {
    // A token that is no percent encoding stands for itself.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}
