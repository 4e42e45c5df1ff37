/**
 * Where a `$dynamicRef` or `$recursiveRef` leads: to the outermost schema on the way there that has the same dynamic anchor.
 *
 * Every way begins at the root, so an anchor of the root's own resource is the outermost on all of them. Without one, and
 * with several elsewhere, the same reference means different things on different ways: that is refused.
 */
import { GrammarError } from "../grammar-error.ts";
import type { Subschema } from "./document.ts";

/** Of each name, the first subschema of every resource that has it as its dynamic anchor. */
type DynamicAnchors = ReadonlyMap<string, readonly Subschema[]>;

type Reference = {
  readonly from: Subschema;
  readonly keyword: string;
  readonly reference: string;
  /** Where it would lead if it were a `$ref`. */
  readonly found: Subschema;
};

/** `$recursiveAnchor` has no name. */
const NAMELESS = "";

export function dynamicAnchorOf({ schema }: Pick<Subschema, "schema">): string | undefined {
  if (typeof schema === "boolean") return undefined;
  const name = schema["$dynamicAnchor"];
  if (typeof name === "string") return name;
  return schema["$recursiveAnchor"] === true ? NAMELESS : undefined;
}

export function dynamicTarget(
  { from, keyword, reference, found }: Reference,
  root: Subschema,
  anchors: DynamicAnchors,
): Subschema {
  const [, fragment = NAMELESS] = reference.split("#", 2);
  if (keyword === "$ref" || dynamicAnchorOf(found) !== fragment) return found;
  const candidates = anchors.get(fragment) ?? [];
  const outermost = candidates.find(({ base }) => base === root.base);
  if (outermost !== undefined || candidates.length < 2) return outermost ?? found;
  throw new GrammarError(
    "unsupported",
    `${JSON.stringify(reference)} leads to different schemas, depending on what refers to this one`,
    from.path,
    keyword,
  );
}
