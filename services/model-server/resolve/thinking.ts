/** What a request tells the chat template of reasoning, by the variables that templates look at. */
import type { ThinkingMode } from "@localmodel/localmodel/contracts/template-facts.ts";

export function thinkingOf(variables: Readonly<Record<string, unknown>> = {}): ThinkingMode {
  const { enable_thinking: enabled, thinking, reasoning_effort: effort } = variables;
  if (enabled === false || thinking === false || effort === "none") return "off";
  if (enabled === true || thinking === true) return "on";
  return effort === undefined ? "default" : "effort";
}
