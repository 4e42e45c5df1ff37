/**
 * `system` and `messages`: a conversation in Anthropic's form, and as chat templates know it.
 *
 * Results of tools are part of what the user says in Anthropic's form, and messages of their own in a template's.
 */
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import { boundedArray, nullsAbsent } from "@localmodel/openai/parsing/fields.ts";
import { z } from "zod";
import {
  type AssistantBlock,
  AssistantContent,
  TextContent,
  textOf,
  type ToolResult,
  type UserBlock,
  UserContent,
} from "./content.ts";

const MESSAGES_MAX = 16_384;

const Message = nullsAbsent(
  z.discriminatedUnion("role", [
    z.object({ role: z.literal("user"), content: UserContent }),
    z.object({ role: z.literal("assistant"), content: AssistantContent }),
    z.object({ role: z.literal("system"), content: TextContent }),
  ]),
);
type Message = z.output<typeof Message>;

export const conversationFields = {
  system: TextContent.exactOptional(),
  messages: boundedArray(Message, { min: 1, max: MESSAGES_MAX }),
} as const;

type Conversation = { readonly system?: string; readonly messages: readonly Message[] };

export function templateMessages({ system = "", messages }: Conversation): TemplateMessage[] {
  const said = messages.flatMap(templateMessagesOf);
  return system === "" ? said : [{ role: "system", content: system }, ...said];
}

function templateMessagesOf(message: Message): readonly TemplateMessage[] {
  switch (message.role) {
    case "system":
      return [message];
    case "user":
      return userMessages(message.content);
    case "assistant":
      return [assistantMessage(message.content)];
  }
}

type SaidBlock = Exclude<UserBlock, ToolResult>;

function userMessages(blocks: readonly UserBlock[]): readonly TemplateMessage[] {
  const messages: TemplateMessage[] = [];
  let said: SaidBlock[] = [];
  const tell = (): void => {
    if (said.length > 0) messages.push({ role: "user", content: textOf(said) });
    said = [];
  };
  for (const block of blocks) {
    if (block.type !== "tool_result") {
      said.push(block);
      continue;
    }
    tell();
    messages.push(resultMessage(block));
  }
  tell();
  return messages.length > 0 ? messages : [{ role: "user", content: "" }];
}

function resultMessage({ tool_use_id: id, content = [], is_error }: ToolResult): TemplateMessage {
  const text = textOf(content);
  return { role: "tool", tool_call_id: id, content: is_error === true ? asError(text) : text };
}

/** Templates have no word for a call that failed, so the result has to say it, unless it does. */
function asError(text: string): string {
  return /^\W*error\b/i.test(text) ? text : `Error: ${text}`;
}

function assistantMessage(blocks: readonly AssistantBlock[]): TemplateMessage {
  const said = blocks.filter((block) => block.type === "text");
  const thought = blocks.filter((block) => block.type === "thinking");
  const calls = blocks.filter((block) => block.type === "tool_use");
  return {
    role: "assistant",
    content: textOf(said),
    ...(thought.length > 0 && {
      reasoning_content: thought.map(({ thinking }) => thinking).join("\n"),
    }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, name, input }) => ({
        id,
        type: "function",
        function: { name, arguments: JSON.stringify(input) },
      })),
    }),
  };
}
