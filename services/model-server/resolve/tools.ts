/**
 * The tools of a request, now that the model and its way to call are known: what its chat template is given, and what its
 * answer must be.
 */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { Constraint, Language } from "@localmodel/inference/constraint.ts";
import type { GenerateRequest, Prompt } from "@localmodel/inference/generate.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { toolConstraint } from "@localmodel/tools/constraint/tool-constraint.ts";
import { completedHistory } from "@localmodel/tools/prompt/history.ts";
import { toolsAsText } from "@localmodel/tools/prompt/tools-as-text.ts";
import type { CallSyntax } from "@localmodel/tools/syntax/call-syntax.ts";
import { GENERIC } from "@localmodel/tools/syntax/families.ts";

type Resolved = Pick<GenerateRequest, "prompts" | "constraint" | "reportsPieces" | "stop">;

export function resolveTools(
  { prompts, toolUse, constraint }: Pick<GenerateAsk, "prompts" | "toolUse" | "constraint">,
  { template, toolSyntax: syntax = GENERIC }: Pick<ModelFacts, "template" | "toolSyntax">,
): Partial<Resolved> {
  if (toolUse === undefined && !prompts.some(speaksOfCalls)) return {};
  const ready = (prompt: Prompt): Prompt =>
    prompt.kind === "chat" ? readyChat(prompt, { template, syntax }) : prompt;
  const resolved = { prompts: prompts.map(ready) };
  if (toolUse === undefined) return resolved;
  const ofTools = toolConstraint(syntax, toolUse);
  return {
    ...resolved,
    ...(ofTools !== undefined && { constraint: together(ofTools, constraint) }),
    // Thinking comes before calls, and is no place to end at either.
    ...(toolUse.choice === "required" && { stop: [] }),
    // Markers of calls are control tokens in many models, which write nothing.
    ...(toolUse.choice !== "none" && { reportsPieces: true }),
  };
}

/** A conversation may hold calls and results of tools that it no longer has. */
function speaksOfCalls(prompt: Prompt): boolean {
  if (prompt.kind !== "chat") return false;
  return prompt.messages.some(
    ({ role, tool_calls }) => role === "tool" || tool_calls !== undefined,
  );
}

/** Mistral's. */
const SHORT_ID_LENGTH = 9;

type ChatPrompt = Extract<Prompt, { kind: "chat" }>;

type Facts = Partial<NonNullable<ModelFacts["template"]>>;

function readyChat(
  { tools = [], ...prompt }: ChatPrompt,
  { template = {}, syntax }: { readonly template?: Facts | undefined; readonly syntax: CallSyntax },
): ChatPrompt {
  const { takesTools = false, takesToolCalls = false, takesToolResults = false } = template;
  const { argumentsAs = "text", needsShortCallIds = false } = template;
  const history = completedHistory(prompt.messages, {
    ...(needsShortCallIds && { idLength: SHORT_ID_LENGTH }),
    // Where calls are written here, they are written as JSON is.
    argumentsAs: takesToolCalls ? argumentsAs : "object",
  });
  const takes = { tools: takesTools, calls: takesToolCalls, results: takesToolResults };
  const messages = toolsAsText(history, { tools, takes, syntax });
  return { ...prompt, messages, ...(takesTools && tools.length > 0 && { tools }) };
}

/** Of calls and what the answer must be otherwise: where the model decides, one or the other. */
function together(ofTools: Constraint, otherwise: Constraint | undefined): Constraint {
  if (otherwise === undefined) return ofTools;
  const { grammar, prefix } = ofTools;
  if (grammar === undefined) return { ...otherwise, ...ofTools };
  if (prefix !== undefined || otherwise.grammar === undefined) return ofTools;
  const parts: Language[] = [grammar.language, otherwise.grammar.language];
  const controlTexts = [...(grammar.controlTexts ?? []), ...(otherwise.grammar.controlTexts ?? [])];
  return { ...otherwise, grammar: { language: { kind: "either", parts }, controlTexts } };
}
