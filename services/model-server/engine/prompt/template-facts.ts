/**
 * What a chat template takes, found by rendering conversations and looking for their words in what comes out.
 *
 * Templates are programs: nobody can tell from the source what they do with a field. Words that occur nowhere else tell.
 */
import type { TemplateFacts } from "@localmodel/localmodel/contracts/template-facts.ts";
import { reasoningFacts } from "./reasoning-facts.ts";

type ProbeVariables = Readonly<Record<string, unknown>>;

/** Renders a conversation, or throws what the template raises. */
type ProbeRender = (variables: ProbeVariables) => string;

const USER = { role: "user", content: "wordofuser" };
const ARGUMENTS = { wordofkey: "wordofvalue" };
const TOOL = {
  type: "function",
  function: {
    name: "wordoftool",
    description: "wordofpurpose",
    parameters: {
      type: "object",
      properties: { wordofkey: { type: "string", description: "wordofparameter" } },
      required: ["wordofkey"],
    },
  },
};

const TEXT = JSON.stringify(ARGUMENTS);
const LONG_ID = "call_wordofid1234567";
const SHORT_ID = "wordofid1";

/** The ways in which a call may have to be given, the preferred first. */
const CALLS = [LONG_ID, SHORT_ID].flatMap((id) =>
  ["", null].flatMap((content) => [TEXT, ARGUMENTS].map((given) => ({ id, content, given }))),
);
type Call = (typeof CALLS)[number];

function messagesOf({ id, content, given }: Call): readonly object[] {
  const called = { name: "wordoftool", arguments: given };
  return [
    USER,
    { role: "assistant", content, tool_calls: [{ id, type: "function", function: called }] },
    { role: "tool", tool_call_id: id, name: "wordoftool", content: "wordofresult" },
  ];
}

/** Throws what the template raises for the simplest conversation there is: such a template cannot chat. */
export function templateFacts(
  render: ProbeRender,
  { source, controlTexts }: { readonly source: string; readonly controlTexts: readonly string[] },
): TemplateFacts {
  const attempt = (messages: readonly object[], more: ProbeVariables = {}): string => {
    try {
      return render({ messages, add_generation_prompt: true, ...more });
    } catch {
      return "";
    }
  };
  const parts = attempt([{ role: "user", content: [{ type: "text", text: USER.content }] }]);
  const takesParts = parts.includes(USER.content) && !/['"]type['"]|text['"]?:/.test(parts);
  const takesText = attempt([USER]).includes(USER.content);
  if (!takesText && !takesParts) refuse(render);
  const tools = { tools: [TOOL] };
  const call = CALLS.find((one) => isCall(attempt(messagesOf(one), tools)));
  const system = attempt([{ role: "system", content: "wordofsystem" }, USER]);
  const saysResult = (one: Call) => attempt(messagesOf(one), tools).includes("wordofresult");
  const reasoning = reasoningFacts({ source, controlTexts, attempt });
  return {
    takesSystem: system.includes("wordofsystem") && system.includes(USER.content),
    takesText,
    takesParts,
    takesTools: attempt([USER], tools).includes("wordofpurpose"),
    takesToolCalls: call !== undefined,
    takesToolResults: call === undefined ? CALLS.some(saysResult) : saysResult(call),
    argumentsAs: call?.given === ARGUMENTS ? "object" : "text",
    callContent: call?.content === null ? "null" : "empty",
    needsShortCallIds: call?.id === SHORT_ID,
    ...(reasoning !== undefined && { reasoning }),
  };
}

/**
 * Whether the call is there as a model would write it: its arguments neither as Python writes a dict nor as a JSON text
 * inside of another, or inside of braces.
 */
function isCall(text: string): boolean {
  const [, call = ""] = text.split(USER.content);
  const written = call.includes("wordoftool") && /wordofkey[^]*wordofvalue/.test(call);
  return written && !/'wordofkey'|\\"wordofkey|\{\{\s*"wordofkey/.test(call);
}

/** Says why nothing can be rendered. */
function refuse(render: ProbeRender): never {
  const text = render({ messages: [USER], add_generation_prompt: true });
  throw new Error(
    `what a user says is not in what it writes: ${JSON.stringify(text.slice(0, 100))}`,
  );
}
