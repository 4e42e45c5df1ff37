/**
 * What an answer must be, now that it is known how the model reasons: reasoning ends within its budget, there is none where
 * there is to be none, and a form that is asked for is that of the answer behind it.
 */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { Constraint, Thoughts } from "@localmodel/inference/constraint.ts";
import type { GenerateRequest, Prompt } from "@localmodel/inference/generate.ts";
import { formatIn } from "@localmodel/inference/reasoning-text.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import type { ReasoningFacts } from "@localmodel/localmodel/contracts/template-facts.ts";
import { thinkingOf } from "./thinking.ts";

type Asked = Pick<GenerateAsk, "prompts" | "constraint"> & {
  readonly reasoningTokens?: number | undefined;
};
type Resolved = Partial<Pick<GenerateRequest, "constraint" | "reportsPieces" | "thinking">>;

export function resolveReasoning(
  { prompts, reasoningTokens, constraint = {} }: Asked,
  { template }: Pick<ModelFacts, "template">,
): Resolved {
  const [prompt] = prompts;
  const reasoning = template?.reasoning;
  // What has begun its answer thinks no more.
  if (prompt?.kind !== "chat" || prompt.begun !== undefined || reasoning === undefined) return {};
  const mode = thinkingOf(prompt.templateVariables);
  const opens = reasoning.opens[mode];
  const held =
    mode === "off"
      ? withoutReasoning(constraint, reasoning)
      : withReasoning(constraint, reasoning, { opens, budget: reasoningTokens });
  return {
    thinking: { ...formatIn(reasoning), startsInside: opens },
    ...(Object.keys(held).length > 0 && { constraint: held }),
    // Its tags may be control tokens, which write nothing.
    ...(reasoning.inControlTokens && { reportsPieces: true }),
  };
}

/** A prompt whose answer has begun, with what the model writes before an answer. */
export function withLead(prompt: Prompt, { template }: Pick<ModelFacts, "template">): Prompt {
  const reasoning = template?.reasoning;
  if (prompt.kind !== "chat" || prompt.begun === undefined || reasoning === undefined)
    return prompt;
  const mode = thinkingOf(prompt.templateVariables);
  const lead = reasoning.opens[mode] ? reasoning.closing : leadOf(reasoning, mode === "off");
  return { ...prompt, begun: { ...prompt.begun, lead } };
}

/** Models that write in channels say in which. */
function leadOf({ offPrefix, answerMark, end }: ReasoningFacts, isOff: boolean): string {
  if (isOff && offPrefix !== "") return offPrefix;
  return answerMark === end ? "" : answerMark;
}

function withoutReasoning(constraint: Constraint, reasoning: ReasoningFacts): Constraint {
  const { offPrefix, answerMark, end, opens } = reasoning;
  const { grammar, prefix = "" } = constraint;
  const isCall = grammar?.begins !== undefined;
  // A model may think all the same.
  const held = isCall
    ? { ...constraint, grammar: behindThoughts(grammar, reasoning, opens.off) }
    : constraint;
  // Where models write in channels, calls of tools are in one of their own.
  const mayCall = answerMark !== end && (prefix !== "" || isCall);
  if (offPrefix === "" || mayCall) return held;
  const begun = { ...held, prefix: offPrefix + prefix };
  if (grammar === undefined || isCall) return begun;
  return {
    ...begun,
    grammar: { ...grammar, begins: { after: [{ text: offPrefix }], isRequired: true } },
  };
}

type Reasoning = { readonly opens: boolean; readonly budget: number | undefined };

function withReasoning(
  { prefix, ...constraint }: Constraint,
  reasoning: ReasoningFacts,
  { opens, budget }: Reasoning,
): Constraint {
  // What is put at the beginning of an answer leaves no room to think before it, unless the prompt has begun to, or the
  // request says how much. Calls in channels begin there in any case.
  const hasChannel = reasoning.answerMark !== reasoning.end;
  const leavesRoom = opens || (budget !== undefined && !hasChannel);
  if (prefix !== undefined && !leavesRoom) return { ...constraint, prefix };
  const { grammar } = constraint;
  return {
    ...constraint,
    ...(budget !== undefined && limited(reasoning, opens, budget)),
    ...(grammar !== undefined && {
      grammar: behindThoughts(grammar, reasoning, opens),
    }),
  };
}

/** A model that may think or not begins to where its thinking is to have an end. */
function limited(
  { begin, end, closing }: ReasoningFacts,
  opens: boolean,
  budget: number,
): Constraint {
  return {
    ...(!opens && { prefix: begin }),
    cutoff: { tokens: budget, markers: [end], text: closing },
  };
}

type Grammar = NonNullable<Constraint["grammar"]>;

/** A form is that of the answer; what only may begin in it, a call of a tool, does not begin in thoughts. */
function behindThoughts(grammar: Grammar, reasoning: ReasoningFacts, opens: boolean): Grammar {
  const { begins } = grammar;
  if (begins === undefined) return behind(grammar, reasoning, opens);
  return { ...grammar, begins: { ...begins, thoughts: thoughtsOf(reasoning, opens) } };
}

function thoughtsOf({ begin, end, partBegin }: ReasoningFacts, opens: boolean): Thoughts {
  const later = partBegin === undefined ? [] : [partBegin + begin.trimEnd()];
  return { begins: [begin.trim(), ...later], end, areOpen: opens };
}

function behind(
  { language, ...grammar }: Grammar,
  { begin, end, answerMark }: ReasoningFacts,
  opens: boolean,
): Grammar {
  const space = { kind: "regex", pattern: "\\n{0,2}", field: "response_format" } as const;
  // An answer in a channel of its own has that in any case, and begins with it.
  const hasChannel = answerMark !== end;
  const mayAnswerAtOnce = !opens && !hasChannel;
  return {
    ...grammar,
    language: hasChannel ? language : { kind: "sequence", parts: [space, language] },
    begins: {
      after: [{ text: answerMark }],
      isRequired: true,
      ...(mayAnswerAtOnce && { opening: begin.trim() }),
    },
  };
}
