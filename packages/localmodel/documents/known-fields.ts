/** Which fields a document may have where: what a suggestion can choose from. */
import { z } from "zod";
import { LocalModel } from "../resource/localmodel.ts";
import { fieldName } from "./problem.ts";

type Node = {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
};

export class KnownFields {
  readonly #schema: z.ZodType;
  #root: Node | undefined;

  constructor(schema: z.ZodType) {
    this.#schema = schema;
  }

  /** The fields an object at `path` may have; none when anything or nothing may be there. */
  at(path: readonly PropertyKey[]): string[] {
    const node = path.reduce<Node | undefined>(descend, this.#tree);
    return Object.keys(node?.properties ?? {});
  }

  /** Where else under `spec` a field of this name belongs, if that is one place only. */
  homeOf(name: string): string | undefined {
    const spec = this.#tree.properties?.["spec"];
    const homes = spec === undefined ? [] : [...placesOf(name, spec, ["spec"])];
    return homes.length === 1 ? homes[0] : undefined;
  }

  /** Made once and only when something is wrong: a valid document never needs it. */
  get #tree(): Node {
    const options = { io: "input", reused: "inline", unrepresentable: "any" } as const;
    this.#root ??= z.toJSONSchema(this.#schema, options) as Node;
    return this.#root;
  }
}

export const LOCAL_MODEL_FIELDS = new KnownFields(LocalModel);

function descend(node: Node | undefined, part: PropertyKey): Node | undefined {
  if (typeof part === "number") return node?.items;
  const property = node?.properties?.[String(part)];
  if (property !== undefined) return property;
  const rest = node?.additionalProperties;
  return typeof rest === "object" ? rest : undefined;
}

function* placesOf(name: string, node: Node, path: readonly string[]): Generator<string> {
  for (const [field, child] of Object.entries(node.properties ?? {})) {
    if (field === name) yield fieldName([...path, field]);
    yield* placesOf(name, child, [...path, field]);
  }
}
