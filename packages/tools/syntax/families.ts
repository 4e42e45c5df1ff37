/**
 * The families of models that call tools, a row each: as their published chat templates write calls, and by what such a
 * template is known.
 */
import type { CallSyntax, ObjectForm } from "./call-syntax.ts";
import { TAGGED_FAMILIES } from "./tagged-families.ts";

export type Family = CallSyntax & {
  /** Texts that a chat template of the family contains, all of them. */
  readonly known: readonly string[];
};

function object(before: string, after: string, own: Partial<ObjectForm> = {}): ObjectForm {
  return { kind: "object", before, after, nameKey: "name", argumentsKey: "arguments", ...own };
}

/** A list of objects between two markers. */
function list(
  name: string,
  marker: string,
  end: string,
  own: Partial<ObjectForm> = {},
): CallSyntax {
  return {
    name,
    marker,
    begin: `${marker}[`,
    end: `]${end}`,
    between: ", ",
    form: object("", "", own),
  };
}

const HERMES: CallSyntax = {
  name: "hermes",
  marker: "<tool_call>",
  begin: "",
  end: "",
  between: "\n",
  form: object("<tool_call>\n", "\n</tool_call>"),
};

/** What models write that have not learned to call tools, and are told how to. */
export const GENERIC: CallSyntax = { ...HERMES, name: "generic" };

/** The more particular first: what is known by less would take the others' templates. */
export const FAMILIES: readonly Family[] = [
  ...TAGGED_FAMILIES,
  {
    name: "solar",
    known: ["<|tool_call:begin|>", "<|tool_call:args|>"],
    marker: "<|tool_calls|>",
    begin: "<|tool_calls|>",
    end: "",
    between: "",
    form: {
      kind: "named",
      before: "<|tool_call:begin|>{id}<|tool_call:name|>",
      afterName: "<|tool_call:args|>",
      after: "<|tool_call:end|>",
    },
  },
  {
    name: "apertus",
    known: ["<|tools_prefix|>", "<|tools_suffix|>"],
    marker: "<|tools_prefix|>",
    begin: "<|tools_prefix|>[",
    end: "]<|tools_suffix|>",
    between: ", ",
    form: { kind: "named", before: '{"', afterName: '": ', after: "}" },
  },
  {
    name: "gigachat",
    known: ["<|function_call|>", "<|role_sep|>"],
    marker: "<|function_call|>",
    begin: "",
    end: "",
    form: object("<|function_call|>", ""),
  },
  {
    name: "minimax-text",
    known: ["<tool_calls>", "<end_of_sentence>"],
    marker: "<tool_calls>",
    begin: "<tool_calls>\n",
    end: "\n</tool_calls>",
    between: "\n",
    form: object("", ""),
  },
  {
    name: "kimi",
    known: ["<|tool_calls_section_begin|>", "<|tool_call_argument_begin|>"],
    marker: "<|tool_calls_section_begin|>",
    begin: "<|tool_calls_section_begin|>",
    end: "<|tool_calls_section_end|>",
    between: "",
    form: {
      kind: "named",
      before: "<|tool_call_begin|>functions.",
      afterName: ":{n}<|tool_call_argument_begin|>",
      after: "<|tool_call_end|>",
    },
  },
  {
    // Also takes arguments one by one, with a type for each value; models are held to JSON.
    name: "kimi-k3",
    known: ["<|open|>", "open_tag('tools')"],
    marker: "<|open|>tools<|sep|>",
    begin: "<|open|>tools<|sep|>",
    end: "<|close|>tools<|sep|>",
    between: "",
    form: {
      kind: "named",
      before: '<|open|>call tool="',
      afterName: '" index="{n}"<|sep|><|open|>json type="object"<|sep|>',
      after: "<|close|>json<|sep|><|close|>call<|sep|>",
    },
  },
  {
    name: "deepseek-r1",
    known: ["<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "```json"],
    marker: "<｜tool▁calls▁begin｜>",
    begin: "<｜tool▁calls▁begin｜>",
    end: "<｜tool▁calls▁end｜>",
    between: "\n",
    form: {
      kind: "named",
      before: "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
      afterName: "\n```json\n",
      after: "\n```<｜tool▁call▁end｜>",
    },
  },
  {
    name: "deepseek",
    known: ["<｜tool▁call▁begin｜>", "<｜tool▁sep｜>"],
    marker: "<｜tool▁calls▁begin｜>",
    begin: "<｜tool▁calls▁begin｜>",
    end: "<｜tool▁calls▁end｜>",
    between: "",
    form: {
      kind: "named",
      before: "<｜tool▁call▁begin｜>",
      afterName: "<｜tool▁sep｜>",
      after: "<｜tool▁call▁end｜>",
    },
  },
  {
    name: "mistral-call-id",
    known: ["[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"],
    marker: "[TOOL_CALLS]",
    begin: "",
    end: "",
    between: "",
    form: { kind: "named", before: "[TOOL_CALLS]", afterName: "[CALL_ID]{id}[ARGS]", after: "" },
  },
  {
    name: "mistral-args",
    known: ["[TOOL_CALLS]", "[ARGS]"],
    marker: "[TOOL_CALLS]",
    begin: "",
    end: "",
    between: "",
    form: { kind: "named", before: "[TOOL_CALLS]", afterName: "[ARGS]", after: "" },
  },
  {
    ...list("mistral", "[TOOL_CALLS]", ""),
    known: ["[TOOL_CALLS]"],
  },
  {
    ...list("cohere", "<|START_ACTION|>", "<|END_ACTION|>", {
      idKey: "tool_call_id",
      nameKey: "tool_name",
      argumentsKey: "parameters",
    }),
    known: ["<|START_ACTION|>"],
  },
  {
    name: "command-r",
    known: ["Action:", "```json", '"tool_name"'],
    marker: "Action:\n```json",
    begin: "Action:\n```json\n[\n",
    end: "\n]```",
    between: ",\n",
    form: object("", "", { nameKey: "tool_name", argumentsKey: "parameters" }),
  },
  { ...list("nemotron", "<TOOLCALL>", "</TOOLCALL>"), known: ["<TOOLCALL>"] },
  { ...list("apriel", "<tool_calls>", "</tool_calls>"), known: ["<tool_calls>["] },
  { ...list("granite", "<|tool_call|>", ""), known: ["<|tool_call|>"] },
  { ...list("firefunction", "functools", ""), known: ["functools["] },
  {
    name: "harmony",
    known: ["<|channel|>", "<|message|>", "functions."],
    marker: "<|channel|>commentary to=functions.",
    alternatives: [
      {
        name: "harmony-recipient",
        marker: " to=functions.",
        begin: "",
        end: "",
        form: {
          kind: "named",
          before: " to=functions.",
          afterName: "<|channel|>commentary json<|message|>",
          after: "",
        },
      },
    ],
    begin: "",
    end: "",
    form: {
      kind: "named",
      before: "<|channel|>commentary to=functions.",
      afterName: " <|constrain|>json<|message|>",
      after: "",
    },
  },
  {
    name: "functionary",
    known: ["<function=", "</function>"],
    marker: "<function=",
    begin: "",
    end: "",
    between: "",
    form: { kind: "named", before: "<function=", afterName: ">", after: "</function>" },
  },
  { ...HERMES, known: ["<tool_call>"] },
  {
    name: "llama",
    known: ["tools", '"parameters": ', "<|start_header_id|>"],
    marker: "",
    begin: "",
    end: "",
    form: object("", "", { argumentsKey: "parameters" }),
  },
];
