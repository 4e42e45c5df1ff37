/**
 * `tools`, `tool_choice` and `parallel_tool_calls` as responses have them: every tool flat, where chats nest it.
 *
 * Hosted tools are what OpenAI's servers run themselves. Here there are none, and they are refused by name: an answer that
 * was to be made of a search is another one without it.
 */
import { z } from "zod";
import type { Tool, ToolUse } from "@localmodel/inference/tools.ts";
import { type Reference, refuseToolMismatches } from "../chat/tool-choice.ts";
import {
  customTool,
  described,
  functionTool,
  InputGrammar,
  notTooLong,
  Schema,
  TOOLS_MAX,
} from "../chat/tools.ts";
import { boundedArray, nullsAbsent } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { CLIENT_TOOLS, type ClientTool, FORMS, isClientTool } from "./client-tools.ts";
import { flatName, type NamespacedName } from "./namespaces.ts";

const HOSTED = [
  "code_interpreter",
  "computer",
  "computer_use",
  "computer_use_preview",
  "file_search",
  "image_generation",
  "mcp",
  "programmatic_tool_calling",
  "tool_search",
  "web_search",
  "web_search_2025_08_26",
  "web_search_preview",
  "web_search_preview_2025_03_11",
] as const;

/** Whatever else it says. */
const HostedTool = z.looseObject({ type: z.enum(HOSTED) }).superRefine(({ type }, context) => {
  const message = `Invalid '{param}': this server runs no hosted tools, so it does not support '${type}'. Offer it as a function, which your program runs.`;
  context.addIssue({ ...refusal(message, "unsupported_value"), path: ["type"] });
});

const FunctionTool = z.object({
  type: z.literal("function"),
  ...described,
  parameters: Schema.exactOptional(),
  strict: z.boolean().exactOptional(),
});

const CustomTool = z.object({
  type: z.literal("custom"),
  ...described,
  format: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("text") }),
      z.object({ type: z.literal("grammar"), ...InputGrammar.shape }),
    ])
    .exactOptional(),
});

const OwnTool = z.discriminatedUnion("type", [FunctionTool, CustomTool]);
type OwnTool = z.output<typeof OwnTool>;

const Environment = z
  .looseObject({ type: z.string(), skills: z.array(z.unknown()).exactOptional() })
  .refine(
    ({ type, skills = [] }) => type === "local" && skills.length === 0,
    refusal(
      "Invalid '{param}': this server runs no shell, so the environment is 'local' and without skills.",
      "unsupported_value",
    ),
  );

/** What the client runs, too, and OpenAI describes. */
const DescribedTool = z.object({
  type: z.enum(CLIENT_TOOLS),
  environment: Environment.exactOptional(),
});

const Namespace = z.object({
  type: z.literal("namespace"),
  ...described,
  tools: boundedArray(nullsAbsent(OwnTool), { max: TOOLS_MAX }),
});

const ToolDefinition = nullsAbsent(
  z.discriminatedUnion("type", [FunctionTool, CustomTool, DescribedTool, Namespace, HostedTool]),
);
type ToolDefinition = z.output<typeof ToolDefinition>;

export const Tools = boundedArray(ToolDefinition, { max: TOOLS_MAX }).refine(...notTooLong);

const Named = z.object({ type: z.enum(["function", "custom"]), name: z.string() });
const ByType = z.object({ type: z.enum(CLIENT_TOOLS) });

export const ToolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  nullsAbsent(
    z.discriminatedUnion("type", [
      Named,
      ByType,
      z.object({
        type: z.literal("allowed_tools"),
        mode: z.enum(["auto", "required"]),
        tools: boundedArray(z.discriminatedUnion("type", [Named, ByType, HostedTool]), {
          min: 1,
          max: TOOLS_MAX,
        }),
      }),
      HostedTool,
    ]),
  ),
]);

type ToolFields = {
  readonly tools?: readonly ToolDefinition[];
  readonly tool_choice?: z.output<typeof ToolChoice>;
  readonly parallel_tool_calls?: boolean;
};

/** Undefined for a request without tools. */
export function toolUseOf(request: ToolFields): ToolUse | undefined {
  const tools = toolsOf(request);
  if (tools.length === 0) return undefined;
  const { mode, among } = choiceOf(request);
  const { tool_choice: choice, parallel_tool_calls: parallel = mode !== "required" } = request;
  const isNamed = typeof choice === "object" && choice.type !== "allowed_tools";
  return {
    tools,
    choice: mode,
    ...(among !== undefined && { among: among.map(({ name }) => name) }),
    parallel: parallel && !isNamed,
  };
}

/** What an answer says of a call, by the name that the model calls: what the tool is, and how its client names it. */
export function calledTools(
  request: ToolFields,
): ReadonlyMap<string, NamespacedName & { readonly type: RunByClient["type"] }> {
  return new Map(
    placedTools(request).map(({ tool, namespace }) => {
      const { name, type } = tool;
      const named = { name, ...(namespace !== undefined && { namespace }) };
      return [flatName(named), { ...named, type }];
    }),
  );
}

export function refuseMismatches(request: ToolFields, context: z.core.$RefinementCtx): void {
  const { tool_choice: choice } = request;
  const isChoosing = choice !== undefined && choice !== "none" && choice !== "auto";
  refuseToolMismatches(
    {
      tools: toolsOf(request),
      namePathOf: (index) => [...(placedTools(request)[index]?.path ?? ["tools"]), "name"],
      among: choiceOf(request).among,
      choosing: isChoosing ? "tool_choice" : undefined,
    },
    context,
  );
}

/** One that OpenAI describes is called as its type is. */
type RunByClient = OwnTool | { readonly type: ClientTool; readonly name: ClientTool };

/** A tool that the client runs, and where it stands. */
type PlacedTool = {
  readonly tool: RunByClient;
  readonly namespace?: string;
  readonly field: string;
  readonly path: readonly (string | number)[];
};

function placedTools({ tools = [] }: ToolFields): readonly PlacedTool[] {
  return tools.flatMap((tool, index): PlacedTool[] => {
    const place = { field: `tools[${index}]`, path: ["tools", index] };
    if (tool.type === "function" || tool.type === "custom") return [{ tool, ...place }];
    if (isDescribed(tool)) return [{ tool: { type: tool.type, name: tool.type }, ...place }];
    if (tool.type !== "namespace") return [];
    return tool.tools.map((inner, at) => ({
      tool: inner,
      namespace: tool.name,
      field: `${place.field}.tools[${at}]`,
      path: [...place.path, "tools", at],
    }));
  });
}

function isDescribed(tool: ToolDefinition): tool is z.output<typeof DescribedTool> {
  return isClientTool(tool.type);
}

function toolsOf(request: ToolFields): readonly Tool[] {
  return placedTools(request).map(({ tool, namespace, field }) => {
    const { name: own } = tool;
    const name = flatName({ name: own, ...(namespace !== undefined && { namespace }) });
    if (tool.type === "function") return functionTool({ ...tool, name }, field);
    if (tool.type !== "custom") return functionTool({ ...FORMS[tool.type], name }, field);
    const { format } = tool;
    const grammar = format?.type === "grammar" ? format : undefined;
    return customTool({ ...tool, name, grammar }, { tool: field, grammar: `${field}.format` });
  });
}

type Choice = { readonly mode: ToolUse["choice"]; readonly among?: readonly Reference[] };

function choiceOf({ tool_choice: choice = "auto" }: ToolFields): Choice {
  if (typeof choice !== "object") return { mode: choice };
  if (choice.type !== "allowed_tools") {
    return {
      mode: "required",
      among: [{ name: nameOfChoice(choice), path: ["tool_choice", "name"] }],
    };
  }
  const among = choice.tools.map((one, index) => ({
    name: nameOfChoice(one),
    path: ["tool_choice", "tools", index, "name"],
  }));
  return { mode: choice.mode, among };
}

function nameOfChoice(choice: object): string {
  if ("name" in choice) return String(choice.name);
  return "type" in choice ? String(choice.type) : "";
}

/** As answers repeat them: with every field that OpenAI's have. */
export function repeatedTool(tool: ToolDefinition): object {
  if (tool.type === "namespace") return { ...tool, tools: tool.tools.map(repeatedTool) };
  if (tool.type !== "function") return tool;
  const { type, name, description = null, parameters = null, strict = true } = tool;
  return { type, name, description, parameters, strict };
}
