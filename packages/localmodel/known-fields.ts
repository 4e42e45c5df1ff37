/** Which fields a LocalModel may have where: what a suggestion can choose from. */
import { z } from "zod";
import { LocalModel } from "./localmodel.ts";
import { fieldName } from "./problem.ts";

type Node = {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
};

let schema: Node | undefined;

/** Made once and only when something is wrong: a valid document never needs it. */
function root(): Node {
  schema ??= z.toJSONSchema(LocalModel, { io: "input", reused: "inline" }) as Node;
  return schema;
}

/** The fields an object at `path` may have; none when anything or nothing may be there. */
export function fieldsAt(path: readonly PropertyKey[]): string[] {
  const node = path.reduce<Node | undefined>(descend, root());
  return Object.keys(node?.properties ?? {});
}

function descend(node: Node | undefined, part: PropertyKey): Node | undefined {
  if (typeof part === "number") return node?.items;
  const property = node?.properties?.[String(part)];
  if (property !== undefined) return property;
  const rest = node?.additionalProperties;
  return typeof rest === "object" ? rest : undefined;
}

/** Where else under `spec` a field of this name belongs, if that is one place only. */
export function homeOf(name: string): string | undefined {
  const spec = root().properties?.["spec"];
  const homes = spec === undefined ? [] : [...placesOf(name, spec, ["spec"])];
  return homes.length === 1 ? homes[0] : undefined;
}

function* placesOf(name: string, node: Node, path: readonly string[]): Generator<string> {
  for (const [field, child] of Object.entries(node.properties ?? {})) {
    if (field === name) yield fieldName([...path, field]);
    yield* placesOf(name, child, [...path, field]);
  }
}
