/**
 * Chat messages: what OpenAI's clients send for each role, flattened to what chat templates understand.
 *
 * Text parts are joined by a line break, as other local servers do; images and sounds stand between them, in their order. What no
 * model takes is refused by its place in the conversation: dropping it silently would answer a different question.
 */
import { z } from "zod";
import { boundedArray, nullsAbsent, Text } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { type Json, wellFormed } from "../parsing/well-formed.ts";
import { contentPart, PARTS_MAX } from "./content-parts.ts";
import type { SentSound } from "./audio-parts.ts";
import { refuseMedia, type SentImage } from "./image-parts.ts";

const MESSAGES_MAX = 16_384;
const TOOL_CALLS_MAX = 1024;

const Parts = boundedArray(contentPart(["text"]), { min: 1, max: PARTS_MAX });

/** An image or a sound among the texts of a message. */
export type PlacedPart = (SentImage | SentSound) & {
  /** Which of the message's parts it was. */
  readonly part: number;
};

/** Text alone, or texts, images and sounds in their order. */
export type MessageContent = string | readonly (string | PlacedPart)[];

const Content = z.union([Text, Parts.transform(joined)]);

/** What a model wrote, which is neither picture nor sound. */
const OwnContent = z.union([
  Text,
  Parts.transform((parts, context): string => {
    const content = joined(parts);
    if (typeof content === "string") return content;
    const at = parts.findIndex((part) => typeof part !== "string");
    const message =
      "Invalid '{param}': images and audio may be in messages of users, of tools and of the system, not of an assistant.";
    context.addIssue({ ...refusal(message, "invalid_value"), path: [at] });
    return z.NEVER;
  }),
]);

/** Texts that follow one another become one; no parts at all are the empty text. */
export function joined(parts: readonly (string | SentImage | SentSound)[]): MessageContent {
  const content: (string | PlacedPart)[] = [];
  for (const [part, said] of parts.entries()) {
    const last = content.at(-1);
    if (typeof said !== "string") content.push({ ...said, part });
    else if (typeof last === "string") content[content.length - 1] = `${last}\n${said}`;
    else content.push(said);
  }
  const [only = ""] = content;
  return content.length <= 1 && typeof only === "string" ? only : content;
}

/** Some clients send arguments as they are, not as the text of their JSON. */
export const Arguments = z.union([
  Text,
  z.record(z.string(), z.unknown()).transform((args) => JSON.stringify(wellFormed(args as Json))),
]);

const FunctionCall = z.object({ name: Text, arguments: Arguments });

type ToolCall = {
  readonly id?: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
};

const id = Text.exactOptional();

/** To a model a custom tool is a function with one parameter. */
const CustomCall = z
  .object({ id, type: z.literal("custom"), custom: z.object({ name: Text, input: Text }) })
  .transform(({ custom: { name: called, input }, ...call }): ToolCall => {
    const args = JSON.stringify({ input });
    return { ...call, type: "function", function: { name: called, arguments: args } };
  });

const ToolCall = nullsAbsent(
  z.union([
    z.object({ id, type: z.literal("function").default("function"), function: FunctionCall }),
    CustomCall,
  ]),
);

const name = Text.exactOptional();

const Instruction = z.object({
  role: z.enum(["developer", "system", "user"]),
  content: Content,
  name,
});
const ToolResult = z.object({
  role: z.literal("tool"),
  content: Content,
  tool_call_id: Text,
  name,
});
const FunctionResult = z.object({ role: z.literal("function"), content: Content, name: Text });

const Assistant = z
  .object({
    role: z.literal("assistant"),
    content: OwnContent.exactOptional(),
    refusal: Text.exactOptional(),
    name,
    tool_calls: boundedArray(ToolCall, { max: TOOL_CALLS_MAX }).exactOptional(),
    function_call: nullsAbsent(FunctionCall).exactOptional(),
    reasoning_content: Text.exactOptional(),
    reasoning: Text.exactOptional(),
    audio: z
      .unknown()
      .superRefine((_, context) => refuseMedia("audio", context))
      .exactOptional(),
  })
  .transform(flattened);

/** One message. */
export type ChatMessage = {
  readonly role: "developer" | "system" | "user" | "assistant" | "tool" | "function";
  readonly content: MessageContent;
  readonly name?: string;
  readonly tool_call_id?: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCall[];
};

type AssistantInput = {
  readonly role: "assistant";
  readonly content?: string;
  readonly refusal?: string;
  readonly name?: string;
  readonly tool_calls?: ToolCall[];
  readonly function_call?: z.output<typeof FunctionCall>;
  readonly reasoning_content?: string;
  readonly reasoning?: string;
};

function flattened(message: AssistantInput, context: z.core.$RefinementCtx): ChatMessage {
  const content = message.content ?? message.refusal;
  const reasoning = message.reasoning_content ?? message.reasoning;
  const calls = toolCallsOf(message);
  if (content === undefined && reasoning === undefined && calls.length === 0) {
    const text = "Missing required parameter: '{param}', unless 'tool_calls' is given.";
    context.addIssue({ ...refusal(text, "missing_required_parameter"), path: ["content"] });
  }
  return {
    role: message.role,
    content: content ?? "",
    ...(message.name !== undefined && { name: message.name }),
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function toolCallsOf({ tool_calls, function_call }: AssistantInput): readonly ToolCall[] {
  if (tool_calls !== undefined) return tool_calls;
  return function_call === undefined ? [] : [{ type: "function", function: function_call }];
}

const Message = nullsAbsent(
  z.discriminatedUnion("role", [Instruction, Assistant, ToolResult, FunctionResult]),
);

export const Messages = boundedArray(Message, { min: 1, max: MESSAGES_MAX });
