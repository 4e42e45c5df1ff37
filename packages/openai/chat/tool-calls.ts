/**
 * Calls of tools in the two forms of an answer: complete in a message, and piece by piece in the deltas of a stream.
 *
 * A call of a stream has its id, its type and its name once, in its first delta: clients take a second one for another
 * call, or join it to the first.
 */
import type { CalledTool } from "@localmodel/inference/choices.ts";
import { CustomInput } from "./custom-input.ts";
import { isLegacy, type ToolFields } from "./tool-choice.ts";

/** How the client has named its tools, which is how it wants them called. */
type CallForm = { readonly isLegacy: boolean; readonly custom: ReadonlySet<string> };

export function callFormOf(request: ToolFields): CallForm {
  const custom = (request.tools ?? []).flatMap((tool) =>
    tool.type === "custom" ? [tool.custom.name] : [],
  );
  return { isLegacy: isLegacy(request), custom: new Set(custom) };
}

/** The fields of a message that calls. */
export function calledTools(calls: readonly CalledTool[], form: CallForm): object {
  const [first] = calls;
  if (first === undefined) return {};
  if (form.isLegacy) return { function_call: { name: first.name, arguments: first.arguments } };
  return {
    tool_calls: calls.map(({ id, name, arguments: args }) =>
      form.custom.has(name)
        ? { id, type: "custom", custom: { name, input: new CustomInput().push(args) } }
        : { id, type: "function", function: { name, arguments: args } },
    ),
  };
}

export type ToolDeltas = {
  call(call: { readonly call: number; readonly id: string; readonly name: string }): object;
  arguments(call: number, text: string): object;
};

/** The deltas of one choice. */
export function toolDeltas(form: CallForm): ToolDeltas {
  const inputs = new Map<number, CustomInput>();
  return {
    call: ({ call: index, id, name }) => {
      if (form.isLegacy) return { function_call: { name, arguments: "" } };
      if (!form.custom.has(name)) {
        const begun = { index, id, type: "function", function: { name, arguments: "" } };
        return { tool_calls: [begun] };
      }
      inputs.set(index, new CustomInput());
      return { tool_calls: [{ index, id, type: "custom", custom: { name, input: "" } }] };
    },
    arguments: (index, text) => {
      if (form.isLegacy) return { function_call: { arguments: text } };
      const input = inputs.get(index);
      return input === undefined
        ? { tool_calls: [{ index, function: { arguments: text } }] }
        : { tool_calls: [{ index, custom: { input: input.push(text) } }] };
    },
  };
}
