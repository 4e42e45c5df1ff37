/**
 * The families of models that call tools, a row each: as their published chat templates write calls, and by what such a
 * template is known.
 */
import type { CallSyntax, ObjectForm, TaggedForm } from "./call-syntax.ts";

type Family = CallSyntax & {
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

const FUNCTION_TAGS: Omit<TaggedForm, "before" | "after"> = {
  kind: "tagged",
  afterName: ">\n",
  beforeKey: "<parameter=",
  afterKey: ">\n",
  afterValue: "\n</parameter>\n",
};

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

const DSML = "｜DSML｜";

/** The more particular first: what is known by less would take the others' templates. */
export const FAMILIES: readonly Family[] = [
  {
    name: "deepseek-dsml",
    known: ["DSML", "function_calls>", "invoke name="],
    marker: `<${DSML}function_calls>`,
    begin: `<${DSML}function_calls>\n`,
    end: `</${DSML}function_calls>`,
    between: "",
    form: {
      kind: "tagged",
      before: `<${DSML}invoke name="`,
      afterName: '">\n',
      beforeKey: `<${DSML}parameter name="`,
      afterKey: { text: '" string="true">', json: '" string="false">' },
      afterValue: `</${DSML}parameter>\n`,
      after: `</${DSML}invoke>\n`,
    },
  },
  {
    name: "glm",
    known: ["<tool_call>", "<arg_key>", "<arg_value>"],
    marker: "<tool_call>",
    begin: "",
    end: "",
    between: "\n",
    form: {
      kind: "tagged",
      before: "<tool_call>",
      afterName: "\n",
      beforeKey: "<arg_key>",
      afterKey: "</arg_key>\n<arg_value>",
      afterValue: "</arg_value>\n",
      after: "</tool_call>",
    },
  },
  {
    name: "seed",
    known: ["<seed:tool_call>", "<parameter="],
    marker: "<seed:tool_call>",
    begin: "",
    end: "",
    between: "\n",
    form: {
      ...FUNCTION_TAGS,
      before: "<seed:tool_call>\n<function=",
      afterKey: ">",
      afterValue: "</parameter>\n",
      after: "</function>\n</seed:tool_call>",
    },
  },
  {
    name: "qwen3-coder",
    known: ["<tool_call>", "<function=", "<parameter="],
    marker: "<tool_call>",
    begin: "",
    end: "",
    between: "\n",
    form: {
      ...FUNCTION_TAGS,
      before: "<tool_call>\n<function=",
      after: "</function>\n</tool_call>",
    },
  },
  {
    name: "minimax",
    known: ["<minimax:tool_call>", "<invoke name="],
    marker: "<minimax:tool_call>",
    begin: "<minimax:tool_call>\n",
    end: "</minimax:tool_call>",
    between: "",
    form: {
      kind: "tagged",
      before: '<invoke name="',
      afterName: '">\n',
      beforeKey: '<parameter name="',
      afterKey: '">',
      afterValue: "</parameter>\n",
      after: "</invoke>\n",
    },
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
  { ...list("nemotron", "<TOOLCALL>", "</TOOLCALL>"), known: ["<TOOLCALL>"] },
  { ...list("apriel", "<tool_calls>", "</tool_calls>"), known: ["<tool_calls>["] },
  { ...list("granite", "<|tool_call|>", ""), known: ["<|tool_call|>"] },
  { ...list("firefunction", "functools", ""), known: ["functools["] },
  {
    name: "harmony",
    known: ["<|channel|>", "<|message|>", "functions."],
    marker: "<|channel|>commentary to=functions.",
    otherMarkers: [" to=functions."],
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
