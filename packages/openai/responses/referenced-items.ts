/**
 * References to items (`{"type": "item_reference", "id": …}`), replaced by what they lead to: items of answers, which whoever
 * keeps those has sent along.
 */
import { itemNotFound } from "@localmodel/inference/refusals.ts";
import { REFERENCE_TYPE } from "../item-ids.ts";
import { type InputItem, type Item, Items } from "./input-items.ts";

/** Throws a 404 for what leads nowhere, as a reference to another reference does. */
export function dereferencing(kept: readonly unknown[]): (item: InputItem) => Item {
  const found = new Map<string, Item>();
  for (const value of kept) {
    const [item] = Items.safeParse([value]).data ?? [];
    const id = idOf(value);
    if (item !== undefined && id !== undefined && !isReference(item)) found.set(id, item);
  }
  return (item) => {
    if (!isReference(item)) return item;
    const there = found.get(item.id);
    if (there === undefined) throw itemNotFound(item.id);
    return there;
  };
}

function isReference(item: InputItem): item is Exclude<InputItem, Item> {
  return item.type === REFERENCE_TYPE;
}

function idOf(value: unknown): string | undefined {
  const { id } = value as { readonly id?: unknown };
  return typeof id === "string" ? id : undefined;
}
