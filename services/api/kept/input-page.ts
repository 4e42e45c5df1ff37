/** One page of the items that a response was asked with, in the form of OpenAI's lists. */
import { invalidRequest } from "@localmodel/inference/refusals.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

type Query = Readonly<Record<string, unknown>>;

/** `items` are the oldest first; the newest come first unless the query says `order=asc`. */
export function inputPage(responseId: string, items: readonly object[], query: Query): object {
  const stem = responseId.replace(/^resp_/, "");
  const listed = items.map((item, index) => listedItem(item, `${stem}${index}`));
  const { order = "desc", after } = query;
  if (order !== "asc" && order !== "desc") {
    throw invalidRequest("order", "Invalid 'order': expected 'asc' or 'desc'.", "invalid_value");
  }
  const ordered = order === "asc" ? listed : listed.toReversed();
  const start = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) {
    throw invalidRequest("after", "Invalid 'after': there is no such item.", "invalid_value");
  }
  const limit = limitIn(query);
  const data = ordered.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < ordered.length,
  };
}

function limitIn({ limit = String(LIMIT_DEFAULT) }: Query): number {
  const count = typeof limit === "string" && /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (count >= 1 && count <= LIMIT_MAX) return count;
  const message = `Invalid 'limit': expected an integer from 1 to ${LIMIT_MAX}.`;
  throw invalidRequest("limit", message, "invalid_value");
}

const PREFIXES: Readonly<Record<string, string>> = {
  message: "msg_",
  reasoning: "rs_",
  function_call: "fc_",
  custom_tool_call: "ctc_",
};

type ListedItem = { readonly id: string; readonly [field: string]: unknown };

/** With what a client may leave out: a type, an id, parts. */
function listedItem(item: object, stem: string): ListedItem {
  const { type = "message", content } = item as { type?: string; content?: unknown };
  const { role } = item as { role?: string };
  const kind = role === "assistant" ? "output_text" : "input_text";
  return {
    id: (PREFIXES[type] ?? "item_") + stem,
    type,
    status: "completed",
    ...item,
    ...(typeof content === "string" && { content: [{ type: kind, text: content }] }),
  };
}
