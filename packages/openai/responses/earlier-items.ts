/** What was kept of a conversation, read again: it was understood once, so only another version could say otherwise. */
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { type InputItem, Items } from "./input-items.ts";

export function earlierItems(kept: readonly unknown[]): readonly InputItem[] {
  if (kept.length === 0) return [];
  const { success, data } = Items.safeParse(kept);
  if (success) return data;
  throw invalidRequest(
    "previous_response_id",
    "The conversation before this request cannot be read. Send it as 'input', without 'previous_response_id'.",
    "invalid_value",
  );
}
