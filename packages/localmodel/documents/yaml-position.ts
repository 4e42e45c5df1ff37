/** Where in a YAML text a value or its key stands, given its path in the parsed document. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
} from "yaml";

export type Position = { readonly line: number; readonly column: number };

/**
 * The deepest thing on `path` that exists in the text. A missing field points at its parent, a map or
 * list at the key that introduces it, a scalar at itself, or at its key when the key is what is wrong.
 */
export function positionOf(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
  atKey: boolean,
): Position {
  let node: Node | null = document.contents;
  let position = offset(node) ?? document.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    const step = follow(resolved(node, document), part);
    if (step === undefined) break;
    node = step.value;
    const isLast = index === path.length - 1;
    const wantsValue = step.key === undefined || (isLast && !atKey && isScalar(node));
    position = (wantsValue ? offset(node) : offset(step.key)) ?? position;
  }
  const { line, col } = lines.linePos(position);
  return { line, column: col };
}

type Step = { readonly key?: Node; readonly value: Node | null };

function follow(node: Node | null, part: PropertyKey): Step | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(part)];
    return isNode(item) ? { value: item } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  if (pair === undefined || !isNode(pair.key)) return undefined;
  return { key: pair.key, value: isNode(pair.value) ? pair.value : null };
}

function resolved(node: Node | null, document: Document): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

function offset(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}
