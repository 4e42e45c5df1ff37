/**
 * `system` and `messages`: a conversation in Anthropic's form, and as chat templates know it.
 *
 * Results of tools are part of what the user says in Anthropic's form, and messages of their own in a template's.
 */
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import type { Content, ContentPart } from "@localmodel/inference/picture.ts";
import { tooManyImages } from "@localmodel/inference/refusals.ts";
import { boundedArray, nullsAbsent } from "@localmodel/openai/parsing/fields.ts";
import { z } from "zod";
import {
  type AssistantBlock,
  AssistantContent,
  type SaidBlock,
  SystemContent,
  TextContent,
  textOf,
  type ToolResult,
  type UserBlock,
  UserContent,
} from "./content.ts";

const MESSAGES_MAX = 16_384;
/** Those of one conversation; a client sends all of it with every turn. */
const IMAGES_MAX = 64;

const Message = nullsAbsent(
  z.discriminatedUnion("role", [
    z.object({ role: z.literal("user"), content: UserContent }),
    z.object({ role: z.literal("assistant"), content: AssistantContent }),
    z.object({ role: z.literal("system"), content: TextContent }),
  ]),
);
export type Message = z.output<typeof Message>;

export const conversationFields = {
  system: SystemContent.exactOptional(),
  messages: boundedArray(Message, { min: 1, max: MESSAGES_MAX }),
} as const;

type Sent = { readonly system?: string; readonly messages: readonly Message[] };

type Conversation = {
  /** What the model has said of its answer already. */
  readonly begun?: { readonly text: string };
  readonly messages: readonly TemplateMessage[];
  /** What becomes the pictures that the messages refer to. */
  readonly images: readonly ImageInput[];
};

export function conversation({ system = "", messages }: Sent): Conversation {
  const images: ImageInput[] = [];
  const begun = begunIn(messages);
  const before =
    begun === undefined && !endsWithNothing(messages) ? messages : messages.slice(0, -1);
  const said = before.flatMap((message, index) =>
    templateMessagesOf(message, `${PROMPT_FIELD}[${index}].content`, images),
  );
  const surplus = images[IMAGES_MAX];
  if (surplus !== undefined) throw tooManyImages(surplus.field, images.length, IMAGES_MAX);
  const instructed = system === "" ? said : [{ role: "system", content: system }, ...said];
  return { messages: instructed, images, ...(begun !== undefined && { begun: { text: begun } }) };
}

/** What an assistant's message at the end says: the answer goes on with it. One that calls has been said in full. */
export function begunIn(messages: readonly Message[]): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return undefined;
  const { content } = assistantMessage(last.content);
  const calls = last.content.some(({ type }) => type === "tool_use");
  return calls || typeof content !== "string" || content === "" ? undefined : content;
}

/** A beginning of an answer that is empty: the answer is still to come, and no turn of the assistant is over. */
function endsWithNothing(messages: readonly Message[]): boolean {
  const last = messages.at(-1);
  if (messages.length === 1 || last?.role !== "assistant") return false;
  const { content } = last;
  return content.every((block) => block.type === "text" && block.text === "");
}

function templateMessagesOf(
  message: Message,
  field: string,
  images: ImageInput[],
): readonly TemplateMessage[] {
  switch (message.role) {
    case "system":
      return [message];
    case "user":
      return userMessages(message.content, field, images);
    case "assistant":
      return [assistantMessage(message.content)];
  }
}

/** A block, and where the client has written it. */
type Placed = { readonly block: SaidBlock; readonly field: string };

function userMessages(
  blocks: readonly UserBlock[],
  field: string,
  images: ImageInput[],
): readonly TemplateMessage[] {
  const messages: TemplateMessage[] = [];
  let said: Placed[] = [];
  const tell = (): void => {
    if (said.length > 0) messages.push({ role: "user", content: contentOf(said, images) });
    said = [];
  };
  for (const [index, block] of blocks.entries()) {
    const place = `${field}[${index}]`;
    if (block.type !== "tool_result") {
      said.push({ block, field: place });
      continue;
    }
    tell();
    messages.push(resultMessage(block, `${place}.content`, images));
  }
  tell();
  return messages.length > 0 ? messages : [{ role: "user", content: "" }];
}

/** Texts are joined by a line break, as they are everywhere here; images stand between them. */
function contentOf(said: readonly Placed[], images: ImageInput[]): Content {
  const parts: ContentPart[] = [];
  for (const { block, field } of said) {
    const last = parts.at(-1);
    if (block.type === "image") {
      parts.push({ type: "image", picture: images.push({ source: block.source, field }) - 1 });
    } else if (last?.type === "text") {
      parts[parts.length - 1] = { type: "text", text: `${last.text}\n${block.text}` };
    } else parts.push(block);
  }
  const [first] = parts;
  return parts.length === 1 && first?.type === "text" ? first.text : parts;
}

function resultMessage(
  { tool_use_id: id, content: blocks = [], is_error }: ToolResult,
  field: string,
  images: ImageInput[],
): TemplateMessage {
  const placed = blocks.map((block, index) => ({
    block: asSaid(block),
    field: `${field}[${index}]`,
  }));
  const content = placed.length === 0 ? "" : contentOf(placed, images);
  return {
    role: "tool",
    tool_call_id: id,
    content: is_error === true ? asError(content) : content,
  };
}

type ResultBlock = NonNullable<ToolResult["content"]>[number];

function asSaid(block: ResultBlock): SaidBlock {
  if (block.type !== "tool_reference") return block;
  return { type: "text", text: `Tool loaded: ${block.tool_name}` };
}

/** Names of the tools that results refer to. */
export function loadedTools(messages: readonly Message[]): ReadonlySet<string> {
  const blocks = messages.flatMap((message) => (message.role === "user" ? message.content : []));
  const results = blocks.flatMap((block) =>
    block.type === "tool_result" ? (block.content ?? []) : [],
  );
  return new Set(
    results.flatMap((block) => (block.type === "tool_reference" ? [block.tool_name] : [])),
  );
}

/** Templates have no word for a call that failed, so the result has to say it, unless it does. */
function asError(content: Content): Content {
  if (typeof content !== "string") return [{ type: "text", text: "Error:" }, ...content];
  return /^\W*error\b/i.test(content) ? content : `Error: ${content}`;
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
