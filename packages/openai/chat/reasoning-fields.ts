/**
 * How much a model is to think before it answers, by the names that clients have for it: OpenAI's `reasoning_effort`,
 * `enable_thinking` of Qwen's and others' servers, `reasoning_budget` and `thinking_budget`.
 */
import { z } from "zod";

const BUDGET_MAX_TOKENS = 10_000_000;

/** -1: as long as the model likes. */
const budget = z.int().min(-1).max(BUDGET_MAX_TOKENS).exactOptional();

export const reasoningFields = {
  reasoning_effort: z.string().max(64).exactOptional(),
  enable_thinking: z.boolean().exactOptional(),
  reasoning_budget: budget,
  thinking_budget: budget,
} as const;

type ReasoningRequest = {
  readonly reasoning_effort?: string;
  readonly enable_thinking?: boolean;
  readonly reasoning_budget?: number;
  readonly thinking_budget?: number;
};

/** What the chat template is told: templates have two names for whether, and one for how much. */
export function reasoningVariables(request: ReasoningRequest): Readonly<Record<string, unknown>> {
  const { reasoning_effort: effort } = request;
  const thinks = thinking(request);
  return {
    ...(thinks !== undefined && { enable_thinking: thinks, thinking: thinks }),
    ...(effort !== undefined && { reasoning_effort: effort }),
  };
}

function thinking(request: ReasoningRequest): boolean | undefined {
  const { reasoning_effort: effort, enable_thinking: enabled } = request;
  const isOff = effort === "none" || budgetOf(request).reasoningTokens === 0;
  return isOff ? false : enabled;
}

export function budgetOf({ reasoning_budget, thinking_budget }: ReasoningRequest): {
  readonly reasoningTokens?: number;
} {
  const tokens = reasoning_budget ?? thinking_budget ?? -1;
  return tokens < 0 ? {} : { reasoningTokens: tokens };
}
