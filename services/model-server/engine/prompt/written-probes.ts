/**
 * What a chat template makes of calls that are known: the answers from which `packages/tools` derives how a model calls tools
 * whose family nobody has described.
 */
import type { TemplateFacts } from "@localmodel/localmodel/contracts/template-facts.ts";
import {
  PROBE_IDS,
  PROBE_TOOLS,
  PROBE_WORD,
  type ProbeCall,
  PROBES,
  type WrittenProbes,
} from "@localmodel/tools/derive/probe-calls.ts";

type Variables = Readonly<Record<string, unknown>>;

type Writing = {
  readonly facts: TemplateFacts;
  /** What may end a turn. */
  readonly endTexts: readonly string[];
};

const USER = { role: "user", content: "wordofuser" };
const ANSWER = "wordofanswer";
const TOOLS = PROBE_TOOLS.map((tool) => ({
  type: "function",
  function: { ...tool, description: "wordofpurpose" },
}));

/** Undefined where it says nothing of calls, or not what the model says and what the prompt. */
export function writtenProbes(
  render: (variables: Variables) => string,
  { facts, endTexts }: Writing,
): WrittenProbes | undefined {
  if (!facts.takesToolCalls) return undefined;
  const rendered = (messages: readonly object[], isAsked = false): string | undefined => {
    try {
      return render({ messages, tools: TOOLS, add_generation_prompt: isAsked });
    } catch {
      return undefined;
    }
  };
  const said = rendered([USER, { role: "assistant", content: ANSWER }]) ?? "";
  const [sayingPrompt = "", end = ""] = said.split(ANSWER);
  const prompts = [rendered([USER], true) ?? "", sayingPrompt].toSorted(
    (a, b) => b.length - a.length,
  );
  const answer = (calls: readonly ProbeCall[]): string | undefined => {
    const text = rendered([USER, callingMessage(calls, facts)]);
    const prompt = prompts.find((one) => one !== "" && text?.startsWith(one));
    if (text === undefined || prompt === undefined) return undefined;
    return withoutEnds(text.slice(prompt.length), [end, ...endTexts]);
  };
  const [full, quoting, empty] = [PROBES.full, PROBES.quoting, PROBES.empty].map(answer);
  const two = answer(PROBES.two);
  if (full === undefined || quoting === undefined || empty === undefined) return undefined;
  const plain = said.slice(prompts.at(-1)?.length ?? 0);
  return { full, quoting, empty, ...(two !== undefined && { two }), plain };
}

function callingMessage(calls: readonly ProbeCall[], facts: TemplateFacts): object {
  const given = calls.map(({ name, arguments: args }, at) => ({
    id: PROBE_IDS[at],
    type: "function",
    function: { name, arguments: facts.argumentsAs === "object" ? args : JSON.stringify(args) },
  }));
  const content = facts.callContent === "null" ? null : "";
  return { role: "assistant", content, tool_calls: given };
}

/** Some templates write the beginning of the next turn as well. What may end a turn also stands between two calls of one. */
function withoutEnds(text: string, ends: readonly string[]): string {
  return ends.reduce((left, end) => {
    const at = end.trim() === "" ? -1 : left.lastIndexOf(end.trim());
    return at > 0 && !left.slice(at).includes(PROBE_WORD) ? left.slice(0, at) : left;
  }, text);
}
