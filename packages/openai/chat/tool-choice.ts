/**
 * `tool_choice`, `parallel_tool_calls` and the older `function_call`: which tools an answer may, must or must not call.
 */
import { z } from "zod";
import type { Tool, ToolUse } from "@localmodel/inference/tools.ts";
import { boundedArray, nullsAbsent } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { toolsOf, type Functions, type Tools } from "./tools.ts";

const ALLOWED_MAX = 512;

const Named = z.object({ name: z.string() });
const FunctionReference = z.object({ type: z.literal("function"), function: Named });
const CustomReference = z.object({ type: z.literal("custom"), custom: Named });

export const ToolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  nullsAbsent(
    z.discriminatedUnion("type", [
      FunctionReference,
      CustomReference,
      z.object({
        type: z.literal("allowed_tools"),
        allowed_tools: z.object({
          mode: z.enum(["auto", "required"]),
          tools: boundedArray(z.discriminatedUnion("type", [FunctionReference, CustomReference]), {
            min: 1,
            max: ALLOWED_MAX,
          }),
        }),
      }),
    ]),
  ),
]);
type ToolChoice = z.output<typeof ToolChoice>;

export const FunctionCallChoice = z.union([z.enum(["none", "auto"]), Named]);

export type ToolFields = {
  readonly tools?: z.output<typeof Tools>;
  readonly tool_choice?: ToolChoice;
  readonly parallel_tool_calls?: boolean;
  readonly functions?: z.output<typeof Functions>;
  readonly function_call?: z.output<typeof FunctionCallChoice>;
};

type Path = readonly (string | number)[];
export type Reference = { readonly name: string; readonly path: Path };
type Choice = { readonly mode: ToolUse["choice"]; readonly among?: readonly Reference[] };

/** Undefined for a request without tools. */
export function toolUseOf(request: ToolFields): ToolUse | undefined {
  const { tools: definitions = [], functions = [] } = request;
  if (definitions.length + functions.length === 0) return undefined;
  const tools = toolsOf(definitions, functions);
  const { mode, among } = choiceOf(request);
  return {
    tools,
    choice: mode,
    ...(among !== undefined && { among: among.map(({ name }) => name) }),
    parallel: mayCallSeveral(request, mode),
  };
}

/**
 * Who names a tool wants one call of it. Where a call is demanded, small models do not find an end, so several are made
 * only for who asks for them.
 */
function mayCallSeveral(request: ToolFields, mode: ToolUse["choice"]): boolean {
  const { tool_choice: choice, parallel_tool_calls: parallel = mode !== "required" } = request;
  const isNamed = typeof choice === "object" && choice.type !== "allowed_tools";
  return parallel && !isNamed && !isLegacy(request);
}

/** Asked in the older words, which know one call an answer. */
export function isLegacy({ tools = [], functions = [] }: ToolFields): boolean {
  return tools.length === 0 && functions.length > 0;
}

function choiceOf({ tool_choice, function_call, ...request }: ToolFields): Choice {
  if (isLegacy(request)) {
    if (typeof function_call !== "object") return { mode: function_call ?? "auto" };
    const named = { name: function_call.name, path: ["function_call", "name"] };
    return { mode: "required", among: [named] };
  }
  if (typeof tool_choice !== "object") return { mode: tool_choice ?? "auto" };
  if (tool_choice.type !== "allowed_tools") {
    return { mode: "required", among: [referenceOf(tool_choice, ["tool_choice"])] };
  }
  const { mode, tools } = tool_choice.allowed_tools;
  const among = tools.map((one, index) =>
    referenceOf(one, ["tool_choice", "allowed_tools", "tools", index]),
  );
  return { mode, among };
}

function referenceOf(
  choice: z.output<typeof FunctionReference> | z.output<typeof CustomReference>,
  path: Path,
): Reference {
  return choice.type === "function"
    ? { name: choice.function.name, path: [...path, "function", "name"] }
    : { name: choice.custom.name, path: [...path, "custom", "name"] };
}

/** What each field may say alone, and not together. */
export function refuseMismatches(request: ToolFields, context: z.core.$RefinementCtx): void {
  const { tools: definitions = [], functions = [], tool_choice, function_call } = request;
  const chosen = tool_choice ?? function_call;
  if (definitions.length + functions.length === 0 && chosen === undefined) return;
  if (definitions.length > 0 && functions.length > 0) {
    const message = "Invalid '{param}': use either 'tools' or 'functions', not both.";
    context.addIssue({ ...refusal(message, "invalid_value"), path: ["functions"] });
    return;
  }
  const tools = toolsOf(definitions, functions);
  const [choosing] = Object.entries({ tool_choice, function_call }).find(
    ([, choice]) => choice !== undefined && choice !== "none" && choice !== "auto",
  ) ?? [undefined];
  const { among } = choiceOf(request);
  refuseToolMismatches(
    { tools, namePathOf: (index) => namePath(index, tools), among, choosing },
    context,
  );
}

type ToolsAndChoice = {
  readonly tools: readonly Tool[];
  /** Where the client has named a tool. */
  readonly namePathOf: (index: number) => Path;
  readonly among: readonly Reference[] | undefined;
  /** The field by which a call is demanded, if one is. */
  readonly choosing: string | undefined;
};

/** Of tools and a choice among them, in whatever form they came. */
export function refuseToolMismatches(
  { tools, namePathOf, among, choosing }: ToolsAndChoice,
  context: z.core.$RefinementCtx,
): void {
  const refuse = (path: Path, message: string) =>
    context.addIssue({ ...refusal(message, "invalid_value"), path: [...path] });
  const again = tools.findIndex(
    ({ name }, index) => tools.findIndex((other) => other.name === name) < index,
  );
  const twice = tools[again];
  if (twice !== undefined) {
    const message = `Invalid '{param}': '${twice.name}' is the name of another tool already.`;
    refuse(namePathOf(again), message);
  }
  if (tools.length === 0 && choosing !== undefined) {
    refuse([choosing], "Invalid '{param}': there are no tools to choose from.");
    return;
  }
  const unknown = among?.find(({ name }) => !tools.some((tool) => tool.name === name));
  if (unknown !== undefined) {
    const known = tools.slice(0, 20).map(({ name }) => `'${name}'`);
    refuse(
      unknown.path,
      `Invalid '{param}': expected the name of one of 'tools': ${known.join(", ")}.`,
    );
  }
}

function namePath(index: number, tools: readonly Tool[]): Path {
  const { field = "" } = tools[index] ?? {};
  if (field.startsWith("functions")) return ["functions", index, "name"];
  return ["tools", index, field.includes(".custom.") ? "custom" : "function", "name"];
}
