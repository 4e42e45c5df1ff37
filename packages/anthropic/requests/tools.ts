/**
 * `tools` and `tool_choice`: what a model may call, and whether it must.
 *
 * Only tools that the client describes and runs. Those that Anthropic defines, or runs itself, are refused by name: models
 * here have not been taught them, and nobody here would run them.
 */
import type { Tool, ToolUse } from "@localmodel/inference/tools.ts";
import { refuseToolMismatches } from "@localmodel/openai/chat/tool-choice.ts";
import { described, notTooLong, Schema, TOOLS_MAX } from "@localmodel/openai/chat/tools.ts";
import { boundedArray, nullsAbsent } from "@localmodel/openai/parsing/fields.ts";
import { refusal } from "@localmodel/openai/parsing/issue.ts";
import { z } from "zod";

const NAMED_MAX_CHARACTERS = 64;

const ToolType = z.string().superRefine((type, context) => {
  if (type === "custom") return;
  const named = type.slice(0, NAMED_MAX_CHARACTERS);
  const message = `Invalid '{param}': '${named}' is a tool of Anthropic's, which this server does not have. Tools that have an 'input_schema' and are run by the client are supported.`;
  context.addIssue(refusal(message, "unsupported_tool"));
});

const Tools = boundedArray(
  nullsAbsent(
    z.object({
      type: ToolType.exactOptional(),
      ...described,
      input_schema: Schema,
      /** Not offered before a result refers to it. */
      defer_loading: z.boolean().exactOptional(),
    }),
  ),
  { max: TOOLS_MAX },
).refine(...notTooLong);

const parallel = { disable_parallel_tool_use: z.boolean().exactOptional() } as const;

const ToolChoice = nullsAbsent(
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("auto"), ...parallel }),
    z.object({ type: z.literal("any"), ...parallel }),
    z.object({ type: z.literal("tool"), name: z.string(), ...parallel }),
    z.object({ type: z.literal("none") }),
  ]),
);
type ToolChoice = z.output<typeof ToolChoice>;

export const toolFields = {
  tools: Tools.exactOptional(),
  tool_choice: ToolChoice.exactOptional(),
} as const;

type ToolFields = {
  readonly tools?: z.output<typeof Tools>;
  readonly tool_choice?: ToolChoice;
};

const MODES = { auto: "auto", any: "required", tool: "required", none: "none" } as const;

/** Undefined for a request in which no tool is offered. */
export function toolUseOf(
  { tools = [], tool_choice }: ToolFields,
  loaded: ReadonlySet<string>,
): ToolUse | undefined {
  const choice = tool_choice ?? { type: "auto" };
  const chosen = choice.type === "tool" ? choice.name : undefined;
  const offered = toolsOf(tools).filter(
    ({ name }, index) =>
      tools[index]?.defer_loading !== true || loaded.has(name) || name === chosen,
  );
  if (offered.length === 0) return undefined;
  return {
    tools: offered,
    choice: MODES[choice.type],
    ...(chosen !== undefined && { among: [chosen] }),
    parallel: mayCallSeveral(choice),
  };
}

/**
 * Who names a tool wants one call of it. Where a call is demanded, small models do not find an end, so several are made
 * only for who asks for them.
 */
function mayCallSeveral(choice: ToolChoice): boolean {
  if (choice.type === "none" || choice.type === "tool") return false;
  const { disable_parallel_tool_use: disabled = choice.type === "any" } = choice;
  return !disabled;
}

function toolsOf(tools: NonNullable<ToolFields["tools"]>): readonly Tool[] {
  return tools.map(({ name, description, input_schema: parameters }, index) => ({
    name,
    parameters,
    field: `tools[${index}].input_schema`,
    ...(description !== undefined && { description }),
  }));
}

export function refuseMismatches(
  { tools = [], tool_choice: choice }: ToolFields,
  context: z.core.$RefinementCtx,
): void {
  const demands = choice !== undefined && MODES[choice.type] === "required";
  refuseToolMismatches(
    {
      tools: toolsOf(tools),
      namePathOf: (index) => ["tools", index, "name"],
      among:
        choice?.type === "tool"
          ? [{ name: choice.name, path: ["tool_choice", "name"] }]
          : undefined,
      choosing: demands ? "tool_choice" : undefined,
    },
    context,
  );
}
