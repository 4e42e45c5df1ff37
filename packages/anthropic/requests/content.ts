/**
 * The content of messages: a text, or blocks of what was said, shown, called and thought.
 *
 * Blocks that only Anthropic's own servers write, for tools that run there, are not among them. What is said of caching
 * and citations has no meaning here and is passed over.
 */
import { z } from "zod";
import { ImageUrl, refuseMedia } from "@localmodel/openai/chat/image-parts.ts";
import { boundedArray, nullsAbsent, Text } from "@localmodel/openai/parsing/fields.ts";
import { type Json, wellFormed } from "@localmodel/openai/parsing/well-formed.ts";

const BLOCKS_MAX = 4096;

const TextBlock = z.object({ type: z.literal("text"), text: Text });

/** Which kind of file an image is, its bytes say. */
const ImageSource = nullsAbsent(
  z.discriminatedUnion("type", [
    z
      .object({ type: z.literal("base64"), data: z.string() })
      .transform(({ data }) => `data:image/any;base64,${data}`)
      .pipe(ImageUrl),
    z.object({ type: z.literal("url"), url: ImageUrl }).transform(({ url }) => url),
  ]),
);

const ImageBlock = z.object({ type: z.literal("image"), source: ImageSource });

const TextSource = z.object({ type: z.literal("text"), data: Text });
const ContentSource = z
  .object({
    type: z.literal("content"),
    content: z.union([
      Text,
      boundedArray(nullsAbsent(TextBlock), { max: BLOCKS_MAX }).transform(textOf),
    ]),
  })
  .transform(({ content }) => ({ data: content }));
const OtherSource = z
  .object({ type: z.enum(["base64", "url", "file"]) })
  .superRefine((_, context) => refuseMedia("a file", context))
  .transform(() => ({ data: "" }));

/** A document of text is text, below its title. */
const DocumentBlock = z
  .object({
    type: z.literal("document"),
    source: nullsAbsent(z.discriminatedUnion("type", [TextSource, ContentSource, OtherSource])),
    title: Text.exactOptional(),
    context: Text.exactOptional(),
  })
  .transform(({ source, title, context }): TextBlock => {
    const parts = [title, context, source.data].filter((part) => part !== undefined);
    return { type: "text", text: parts.join("\n") };
  });

/** What a client has found, below where it is from. */
const SearchResultBlock = z
  .object({
    type: z.literal("search_result"),
    source: Text,
    title: Text,
    content: boundedArray(nullsAbsent(TextBlock), { max: BLOCKS_MAX }),
  })
  .transform(({ source, title, content }): TextBlock => {
    return { type: "text", text: [title, source, textOf(content)].join("\n") };
  });

type TextBlock = z.output<typeof TextBlock>;

/** Of what is said, joined by a line break, as texts are everywhere here. */
export function textOf(blocks: readonly TextBlock[]): string {
  return blocks.map(({ text }) => text).join("\n");
}

function asBlocks(text: string): TextBlock[] {
  return [{ type: "text", text }];
}

function contentOf<Block extends z.ZodType>(block: Block) {
  return boundedArray(nullsAbsent(block), { max: BLOCKS_MAX });
}

/**
 * How a block begins that Claude Code puts before everything else: whom to bill, with a checksum that is another in each
 * request. In the prompt it would leave no two requests with a beginning in common.
 */
export const BILLING_HEADER = "x-anthropic-billing-header:";

/** What the model is told before the conversation. */
export const SystemContent = z
  .union([Text.transform(asBlocks), contentOf(TextBlock)])
  .transform((blocks) => textOf(blocks.filter(({ text }) => !text.startsWith(BILLING_HEADER))));

/** A text, or blocks of text alone. */
export const TextContent = z
  .union([Text.transform(asBlocks), contentOf(TextBlock)])
  .transform(textOf);

/** A tool that a search of the client's own has found: from here on it is offered. */
const ToolReference = z.object({ type: z.literal("tool_reference"), tool_name: Text });

const ResultContent = z.union([
  Text.transform(asBlocks),
  contentOf(
    z.discriminatedUnion("type", [
      TextBlock,
      ImageBlock,
      DocumentBlock,
      SearchResultBlock,
      ToolReference,
    ]),
  ),
]);

const ToolResult = z.object({
  type: z.literal("tool_result"),
  tool_use_id: Text,
  content: ResultContent.exactOptional(),
  is_error: z.boolean().exactOptional(),
});

export const UserContent = z.union([
  Text.transform(asBlocks),
  contentOf(
    z.discriminatedUnion("type", [
      TextBlock,
      ImageBlock,
      DocumentBlock,
      SearchResultBlock,
      ToolResult,
    ]),
  ),
]);

export type UserBlock = z.output<typeof UserContent>[number];
export type ToolResult = z.output<typeof ToolResult>;
export type SaidBlock = Exclude<UserBlock, ToolResult>;

const ToolUse = z.object({
  type: z.literal("tool_use"),
  id: Text,
  name: Text,
  input: z.record(z.string(), z.unknown()).transform((input) => wellFormed(input as Json)),
});
const Thinking = z.object({ type: z.literal("thinking"), thinking: Text });
/** What only Anthropic's own servers can read. */
const RedactedThinking = z.object({ type: z.literal("redacted_thinking") });

export const AssistantContent = z.union([
  Text.transform(asBlocks),
  contentOf(z.discriminatedUnion("type", [TextBlock, ToolUse, Thinking, RedactedThinking])),
]);

export type AssistantBlock = z.output<typeof AssistantContent>[number];
