/**
 * Calls and their results in a conversation, completed as chat templates need them: every call has an id, every result
 * names the call and the tool that it is of, and ids have the form that the family demands.
 */
import type { TemplateMessage } from "@localmodel/inference/generate.ts";

export type HistoryCall = {
  readonly id?: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: unknown };
};

type HistoryForm = {
  /** Ids are so many letters and digits, and others are turned into such. Absent: ids are anything. */
  readonly idLength?: number | undefined;
  /** As text they are what the client sent. */
  readonly argumentsAs: "object" | "text";
};

export function completedHistory(
  messages: readonly TemplateMessage[],
  { idLength, argumentsAs }: HistoryForm,
): readonly TemplateMessage[] {
  let calls = 0;
  const unanswered: { readonly id: string; readonly name: string }[] = [];
  const idOf = (id: string) => (idLength === undefined ? id : shortId(id, idLength));
  return messages.map((message) => {
    if (message.role === "tool") {
      const id = message.tool_call_id === undefined ? undefined : idOf(message.tool_call_id);
      const at = unanswered.findIndex((call) => id === undefined || call.id === id);
      const [call] = at === -1 ? [] : unanswered.splice(at, 1);
      const answered = id ?? call?.id;
      const name = message.name ?? call?.name;
      return {
        ...message,
        ...(answered !== undefined && { tool_call_id: answered }),
        ...(name !== undefined && { name }),
      };
    }
    if (message.tool_calls === undefined) return message;
    const own = (message.tool_calls as readonly HistoryCall[]).map((call) => {
      calls += 1;
      const id = idOf(call.id ?? `call_${calls}`);
      unanswered.push({ id, name: call.function.name });
      return {
        ...call,
        id,
        function: argumentsAs === "object" ? withObject(call.function) : withText(call.function),
      };
    });
    return { ...message, tool_calls: own };
  });
}

function withText(call: HistoryCall["function"]): HistoryCall["function"] {
  return call.arguments === "" ? { ...call, arguments: "{}" } : call;
}

/** As deep as a body may be. */
const ARGUMENTS_MAX_DEPTH = 64;

/** Clients send the text of the JSON; templates write the JSON of what they get. */
function withObject(call: HistoryCall["function"]): HistoryCall["function"] {
  if (typeof call.arguments !== "string") return call;
  try {
    const args: unknown = JSON.parse(call.arguments || "{}");
    const isObject = typeof args === "object" && args !== null;
    return isObject && !isDeeper(args, ARGUMENTS_MAX_DEPTH) ? { ...call, arguments: args } : call;
  } catch {
    return call;
  }
}

/** Templates and all else that writes arguments go down into them by recursion. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The same for the same id, so that a call and its result still belong together. */
function shortId(id: string, length: number): string {
  if (id.length === length && /^[A-Za-z0-9]+$/.test(id)) return id;
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(id)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return Array.from({ length }, () => {
    const digit = DIGITS[Number(hash % 62n)] ?? "0";
    hash /= 62n;
    return digit;
  }).join("");
}
