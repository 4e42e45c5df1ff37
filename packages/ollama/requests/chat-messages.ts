/**
 * Messages in Ollama's form, and in OpenAI's: there calls have ids, by which results say whose they are. Here they may, and
 * else a result names the tool at most, and results come in the order of the calls.
 */
import { boundedArray, nullsAbsent, Text } from "@localmodel/openai/parsing/fields.ts";
import { z } from "zod";
import { contentOf, Images } from "./options.ts";

const MESSAGES_MAX = 16_384;
const CALLS_MAX = 1024;

const Call = nullsAbsent(
  z.object({
    id: Text.exactOptional(),
    function: z.object({ name: Text, arguments: z.record(z.string(), z.unknown()) }),
  }),
);

const Message = nullsAbsent(
  z.object({
    role: z.enum(["system", "user", "assistant", "tool"]),
    content: Text.exactOptional(),
    images: Images.exactOptional(),
    thinking: Text.exactOptional(),
    tool_calls: boundedArray(Call, { max: CALLS_MAX }).exactOptional(),
    tool_name: Text.exactOptional(),
    tool_call_id: Text.exactOptional(),
  }),
);

export const Messages = boundedArray(Message, { max: MESSAGES_MAX });
type Message = z.output<typeof Message>;

type Pending = { readonly id: string; readonly name: string };

export function openAiMessages(messages: readonly Message[]): readonly object[] {
  let count = 0;
  const pending: Pending[] = [];
  return messages.map((message) => {
    const { role, content = "", images, thinking, tool_calls: calls = [] } = message;
    const said = { role, content: contentOf(content, images) };
    if (role === "tool") {
      return { ...said, tool_call_id: message.tool_call_id ?? answered(pending, message) };
    }
    const named = calls.map(({ id: given, function: called }) => {
      count += 1;
      const id = given ?? `call_${count}`;
      pending.push({ id, name: called.name });
      return { id, type: "function", function: called };
    });
    return {
      ...said,
      ...(thinking !== undefined && thinking !== "" && { reasoning_content: thinking }),
      ...(named.length > 0 && { tool_calls: named }),
    };
  });
}

/** The first call of that name that has no result yet, or the first of any. */
function answered(pending: Pending[], { tool_name: wanted }: Message): string {
  const at = Math.max(
    0,
    pending.findIndex(({ name }) => name === wanted),
  );
  const [call] = pending.splice(at, 1);
  return call?.id ?? "call_0";
}
