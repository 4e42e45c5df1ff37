/**
 * From the items of a conversation to the messages that chat templates expect.
 *
 * What a model says in one turn comes as several items: what it thought, what it said, what it called. To a template that
 * is one message.
 */
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import type { Content } from "@localmodel/inference/picture.ts";
import { SentMedia } from "../chat/sent-media.ts";
import type { Item } from "./input-items.ts";

/** `field` is where the client wrote it: images and audio are refused by it. */
type PlacedItem = { readonly item: Item; readonly field: string };

export type Conversation = {
  readonly messages: readonly TemplateMessage[];
  readonly media: SentMedia;
};

type Call = {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
};

type Turn = { reasoning?: string; content?: Content; readonly calls: Call[] };

/** `instructions` come first, for this answer only. */
export function conversationOf(
  instructions: string | undefined,
  items: readonly PlacedItem[],
): Conversation {
  const messages: TemplateMessage[] = [];
  const media = new SentMedia();
  if (instructions !== undefined) messages.push({ role: "system", content: instructions });
  let turn: Turn = { calls: [] };
  const endTurn = (): void => {
    messages.push(...saidIn(turn));
    turn = { calls: [] };
  };
  for (const { item, field } of items) {
    if (beginsTurn(item, turn)) endTurn();
    if (item.type === "reasoning") turn.reasoning = item.text;
    else if (item.type === "function_call") turn.calls.push(callOf(item));
    else if (item.type === "function_call_output") {
      const content = media.contentOf(item.output, `${field}.output`);
      messages.push(resultOf(content, "call_id" in item ? item.call_id : undefined));
    } else {
      const content = media.contentOf(item.content, `${field}.content`);
      if (item.role === "assistant") turn.content = content;
      else messages.push({ role: item.role === "user" ? "user" : "system", content });
    }
  }
  endTurn();
  return { messages, media };
}

/** Templates take a tool's result behind its call alone. */
function resultOf(content: Content, id: string | undefined): TemplateMessage {
  return id === undefined ? { role: "user", content } : { role: "tool", content, tool_call_id: id };
}

/** Whether an item cannot be part of what the model has said so far in this turn. */
function beginsTurn(item: Item, { reasoning, content, calls }: Turn): boolean {
  if (item.type === "function_call") return false;
  if (item.type === "reasoning") {
    return reasoning !== undefined || content !== undefined || calls.length > 0;
  }
  if (item.type === "message" && item.role === "assistant") {
    return content !== undefined || calls.length > 0;
  }
  return true;
}

/** What was thought and led to nothing is not said. */
function saidIn({ reasoning, content, calls }: Turn): readonly TemplateMessage[] {
  if (content === undefined && calls.length === 0) return [];
  return [
    {
      role: "assistant",
      content: content ?? "",
      ...(reasoning !== undefined && reasoning !== "" && { reasoning_content: reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
  ];
}

function callOf(item: Extract<Item, { type: "function_call" }>): Call {
  const { call_id: id, name, arguments: args } = item;
  return { id, type: "function", function: { name, arguments: args } };
}
