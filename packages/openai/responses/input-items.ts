/**
 * `input`: a text, or the items of a conversation. What a client got as `output` it may give back as it is.
 *
 * Items of hosted tools are refused by name. What a reference to an item leads to, referenced-items.ts says.
 */
import { z } from "zod";
import { contentPart, PARTS_MAX } from "../chat/content-parts.ts";
import { Arguments, joined } from "../chat/messages.ts";
import { REFERENCE_TYPE } from "../item-ids.ts";
import { boundedArray, nullsAbsent, Text } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import {
  ApplyPatchCall,
  ApplyPatchCallOutput,
  LocalShellCall,
  LocalShellCallOutput,
  ShellCall,
  ShellCallOutput,
} from "./client-items.ts";
import { flatName } from "./namespaces.ts";

const ITEMS_MAX = 16_384;

const Part = contentPart(["input_text", "output_text", "text"]);

/** Parts are joined as those of chat messages are. */
const Content = z.union([Text, boundedArray(Part, { max: PARTS_MAX }).transform(joined)]);

const Message = z
  .object({
    type: z.literal("message"),
    role: z.enum(["user", "assistant", "system", "developer"]),
    content: Content,
  })
  .superRefine(({ role, content }, context) => {
    if (role !== "assistant" || typeof content === "string") return;
    const message =
      "Invalid '{param}': what a model said is text, and holds neither images nor audio.";
    context.addIssue({ ...refusal(message, "invalid_value"), path: ["content"] });
  });

const FunctionCall = z
  .object({
    type: z.literal("function_call"),
    call_id: Text,
    name: Text,
    namespace: Text.exactOptional(),
    arguments: Arguments,
  })
  .transform(({ namespace, ...call }) => {
    return { ...call, name: flatName({ ...call, ...(namespace !== undefined && { namespace }) }) };
  });

/** To a model a custom tool is a function with one parameter. */
const CustomToolCall = z
  .object({
    type: z.literal("custom_tool_call"),
    call_id: Text,
    name: Text,
    namespace: Text.exactOptional(),
    input: Text,
  })
  .transform(({ call_id, name: own, namespace, input }): z.output<typeof FunctionCall> => {
    const name = flatName({ name: own, ...(namespace !== undefined && { namespace }) });
    return { type: "function_call", call_id, name, arguments: JSON.stringify({ input }) };
  });

const CustomCallOutput = z
  .object({ type: z.literal("custom_tool_call_output"), call_id: Text, output: Content })
  .transform((item) => ({ ...item, type: "function_call_output" as const }));

/** Without a call of the model's, as Codex tells it its goal, it is headed by whose output it is. */
const FunctionCallOutput = z
  .object({
    type: z.literal("function_call_output"),
    call_id: Text.exactOptional(),
    name: Text.exactOptional(),
    namespace: Text.exactOptional(),
    output: Content,
  })
  .transform(({ type, call_id, name, namespace, output }) => {
    if (call_id !== undefined) return { type, call_id, output };
    const tool = [namespace, name].filter((one) => one !== undefined).join(".");
    return { type, output: tool === "" ? output : headed(`Output of ${tool}:`, output) };
  });

function headed(heading: string, content: z.output<typeof Content>): z.output<typeof Content> {
  return typeof content === "string" ? `${heading}\n${content}` : [heading, ...content];
}

const reasoningParts = boundedArray(
  z.looseObject({ text: Text }).transform(({ text }) => text),
  { max: PARTS_MAX },
).exactOptional();

/** What was thought, or, from a server that does not tell it, its summary. */
const Reasoning = z
  .object({ type: z.literal("reasoning"), content: reasoningParts, summary: reasoningParts })
  .transform(({ type, content = [], summary = [] }) => {
    return { type, text: (content.length > 0 ? content : summary).join("\n") };
  });

const HOSTED = [
  "additional_tools",
  "code_interpreter_call",
  "compaction",
  "computer_call",
  "computer_call_output",
  "file_search_call",
  "image_generation_call",
  "mcp_approval_request",
  "mcp_approval_response",
  "mcp_call",
  "mcp_list_tools",
  "tool_search_call",
  "tool_search_output",
  "web_search_call",
] as const;

const HostedItem = z
  .object({ type: z.enum(HOSTED) })
  .superRefine(({ type }, context) => {
    const message = `Invalid '{param}': this server runs no hosted tools, so it has no use for an item of type '${type}'.`;
    context.addIssue({ ...refusal(message, "unsupported_value"), path: ["type"] });
  })
  .transform((): never => z.NEVER);

const ItemReference = z.object({ type: z.literal(REFERENCE_TYPE), id: Text });

/** A message may leave its type out. */
function typed(value: unknown): unknown {
  const isMessage =
    typeof value === "object" && value !== null && "role" in value && !("type" in value);
  return isMessage ? { ...value, type: "message" } : value;
}

const InputItem = z.preprocess(
  typed,
  nullsAbsent(
    z.discriminatedUnion("type", [
      Message,
      FunctionCall,
      CustomToolCall,
      CustomCallOutput,
      FunctionCallOutput,
      Reasoning,
      LocalShellCall,
      LocalShellCallOutput,
      ShellCall,
      ShellCallOutput,
      ApplyPatchCall,
      ApplyPatchCallOutput,
      HostedItem,
      ItemReference,
    ]),
  ),
);
/** As a client may write it. */
export type InputItem = z.output<typeof InputItem>;
/** What stands in a conversation itself. */
export type Item = Exclude<InputItem, { readonly type: typeof REFERENCE_TYPE }>;

export const Items = boundedArray(InputItem, { max: ITEMS_MAX });

export const Input = z.union([
  Text.transform((content): InputItem[] => [{ type: "message", role: "user", content }]),
  Items,
]);
