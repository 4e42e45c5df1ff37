/**
 * `thinking` and `output_config.effort`: whether a model thinks before it answers, and how much.
 *
 * As in Anthropic's API, a request that says nothing of thinking asks for none: its client may not know what to do with it.
 */
import { z } from "zod";
import { nullsAbsent } from "@localmodel/openai/parsing/fields.ts";

const BUDGET_MAX_TOKENS = 10_000_000;

export const Thinking = nullsAbsent(
  z.discriminatedUnion("type", [
    z.object({
      type: z.literal("enabled"),
      budget_tokens: z.int().min(1).max(BUDGET_MAX_TOKENS).exactOptional(),
    }),
    z.object({ type: z.enum(["adaptive", "between_tools"]) }),
    z.object({ type: z.literal("disabled") }),
  ]),
);

type ThinkingRequest = {
  readonly thinking?: z.output<typeof Thinking>;
  readonly output_config?: { readonly effort?: string };
};

/** Templates know no more than three. */
const EFFORTS: Readonly<Record<string, string>> = { xhigh: "high", max: "high" };

/** What the chat template is told: templates have two names for whether, and one for how much. */
export function thinkingVariables({
  thinking,
  output_config: { effort } = {},
}: ThinkingRequest): Readonly<Record<string, unknown>> {
  const thinks = thinking !== undefined && thinking.type !== "disabled";
  return {
    enable_thinking: thinks,
    thinking: thinks,
    ...(thinks && effort !== undefined && { reasoning_effort: EFFORTS[effort] ?? effort }),
  };
}

export function budgetOf({ thinking }: ThinkingRequest): { readonly reasoningTokens?: number } {
  if (thinking?.type !== "enabled" || thinking.budget_tokens === undefined) return {};
  return { reasoningTokens: thinking.budget_tokens };
}
