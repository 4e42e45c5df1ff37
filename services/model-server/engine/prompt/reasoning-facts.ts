/**
 * How a model reasons, found from its chat template: by the tags that it is known to use or writes around what the model
 * thought before, and by how its prompts end.
 */
import { formatIn, type ReasoningFormat } from "@localmodel/inference/reasoning-text.ts";
import type {
  ReasoningFacts,
  ReasoningField,
  ThinkingMode,
} from "@localmodel/localmodel/contracts/template-facts.ts";

type Tags = Pick<ReasoningFacts, "begin" | "end"> &
  Partial<Omit<ReasoningFacts, "begin" | "end" | "opens" | "inControlTokens" | "field">>;

/** Renders messages with variables; empty where the template refuses. */
type Attempt = (
  messages: readonly object[],
  variables?: Readonly<Record<string, unknown>>,
) => string;

type Template = {
  readonly source: string;
  readonly controlTexts: readonly string[];
  readonly attempt: Attempt;
};

/** Models that write in channels. Their calls of tools are channels as well, and nobody's reasoning. */
const CHANNELS: Tags = {
  begin: "<|channel|>analysis<|message|>",
  end: "<|end|>",
  answerBegins: ["<|channel|>final<|message|>", "<|channel|>commentary<|message|>"],
  answerEnd: "<|end|>",
  answerMark: "<|channel|>final<|message|>",
  closing: "<|end|><|start|>assistant<|channel|>final<|message|>",
  offPrefix: "<|channel|>final<|message|>",
  partBegin: "<|start|>assistant",
};

/** Models that say to whom: to themselves, to the user, or to a tool. */
const RECIPIENTS: Tags = {
  begin: " to=self<|message|>",
  end: "<|eom|>",
  answerBegins: [" to=user<|message|>", "<|message|>"],
  answerEnd: "<|eom|>",
  answerMark: " to=user<|message|>",
  closing: "<|eom|><|start|>assistant to=user<|message|>",
  offPrefix: " to=user<|message|>",
  partBegin: "<|start|>assistant",
};

/** Whose tags are not made of one word; the text by which each is known is its key. */
const KNOWN: readonly (readonly [string, Tags])[] = [
  ["<|channel|>analysis", CHANNELS],
  ["<|start|>assistant to=self<|message|>", RECIPIENTS],
  ["<|START_THINKING|>", { begin: "<|START_THINKING|>", end: "<|END_THINKING|>" }],
  ["<|inner_prefix|>", { begin: "<|inner_prefix|>", end: "<|inner_suffix|>" }],
  ["<|channel>thought", { begin: "<|channel>thought\n", end: "<channel|>" }],
  [
    "<|begin|>assistant<|think|>",
    {
      begin: "<|think|>",
      end: "<|end|>",
      answerBegins: ["<|content|>"],
      partBegin: "<|begin|>assistant",
      answerMark: "<|content|>",
      closing: "<|end|><|begin|>assistant<|content|>",
    },
  ],
  [
    "open_tag('think'",
    {
      begin: "<|open|>think<|sep|>",
      end: "<|close|>think<|sep|>",
      answerBegins: ["<|open|>response<|sep|>"],
      answerEnd: "<|close|>response<|sep|>",
      answerMark: "<|open|>response<|sep|>",
      closing: "<|close|>think<|sep|><|open|>response<|sep|>",
    },
  ],
  [
    "[BEGIN FINAL RESPONSE]",
    {
      begin: "Here are my reasoning steps:",
      end: "[BEGIN FINAL RESPONSE]",
      answerEnd: "[END FINAL RESPONSE]",
    },
  ],
];

/** Tags of words that some models write around an answer behind what they thought. */
const ANSWERS = ["response", "answer"].map((name) => ({
  answerBegins: [`<${name}>`],
  answerEnd: `</${name}>`,
}));

const ENDS = /<\/((?:\w+:)?(?:think|thinking|thought|reasoning))>|\[\/(THINK)\]/iu;

/** Undefined where the template knows of no reasoning. */
export function reasoningFacts({
  source,
  controlTexts,
  attempt,
}: Template): ReasoningFacts | undefined {
  const { field, tags: written } = history(attempt);
  const tags = KNOWN.find(([text]) => source.includes(text))?.[1] ?? namedTags(source) ?? written;
  if (tags === undefined) return undefined;
  const { begin, end, closing = closingOf(end) } = tags;
  const format = formatOf(tags, source);
  const prompts = promptsOf(attempt);
  const opens = modes((mode) => {
    const behind = prompts[mode].split(WORD).at(-1) ?? "";
    return behind.lastIndexOf(begin.trim()) > behind.lastIndexOf(end);
  });
  const texts = [begin, closing, ...format.answerBegins];
  return {
    ...format,
    answerMark: tags.answerMark ?? end,
    closing,
    offPrefix: tags.offPrefix ?? offPrefix({ begin, closing, opens, prompts }),
    opens,
    inControlTokens: texts.some((text) => controlTexts.some((control) => text.includes(control))),
    field,
  };
}

function formatOf(tags: Tags, source: string): ReasoningFormat {
  const isSaid = tags.answerBegins !== undefined || tags.answerEnd !== undefined;
  const answer = isSaid ? tags : ANSWERS.find((each) => source.includes(each.answerEnd));
  return formatIn({
    ...tags,
    answerBegins: answer?.answerBegins ?? [],
    answerEnd: answer?.answerEnd,
  });
}

function namedTags(source: string): Tags | undefined {
  const [end, name, inBrackets] = ENDS.exec(source) ?? [];
  if (end === undefined) return undefined;
  return { begin: name === undefined ? `[${inBrackets}]` : `<${name}>`, end };
}

/** Tags of words are written on lines of their own. */
function closingOf(end: string): string {
  return /^<\/\w/.test(end) ? `\n${end}\n\n` : end;
}

const VARIABLES: Readonly<Record<ThinkingMode, Readonly<Record<string, unknown>>>> = {
  default: {},
  on: { enable_thinking: true, thinking: true },
  off: { enable_thinking: false, thinking: false, reasoning_effort: "none" },
  effort: { reasoning_effort: "high" },
};

function modes<Result>(of: (mode: ThinkingMode) => Result): Readonly<Record<ThinkingMode, Result>> {
  return { default: of("default"), on: of("on"), off: of("off"), effort: of("effort") };
}

type Prompts = Readonly<Record<ThinkingMode, string>>;

const WORD = "wordofuser";

function promptsOf(attempt: Attempt): Prompts {
  return modes((mode) => attempt([{ role: "user", content: WORD }], VARIABLES[mode]));
}

type Off = {
  readonly begin: string;
  readonly closing: string;
  readonly opens: ReasoningFacts["opens"];
  readonly prompts: Prompts;
};

function offPrefix({ begin, closing, opens, prompts }: Off): string {
  if (opens.off) return closing;
  const heeds = prompts.off !== prompts.default || prompts.off !== prompts.on;
  return heeds ? "" : begin + closing;
}

const FIELDS: readonly ReasoningField[] = ["reasoning_content", "thinking", "reasoning"];
const BEFORE = /(<[^<>\s]{0,20}(?:think|thought|reason)[^<>\s]{0,20}>)\s*$/i;
const BEHIND = /^\s*(<[^<>\s]{1,40}>)/;

/** Where the template looks for what the model thought before, and what it writes around that. */
function history(attempt: Attempt): { readonly field: ReasoningField; readonly tags?: Tags } {
  for (const field of FIELDS) {
    const answer = { role: "assistant", content: "wordofanswer", [field]: "wordofthought" };
    const text = attempt([{ role: "user", content: WORD }, answer], {
      ...VARIABLES.on,
      add_generation_prompt: false,
    });
    const [before, behind] = text.split("wordofthought");
    if (before === undefined || behind === undefined) continue;
    const [, begin] = BEFORE.exec(before) ?? [];
    const [, end] = BEHIND.exec(behind) ?? [];
    return begin === undefined || end === undefined ? { field } : { field, tags: { begin, end } };
  }
  return { field: "reasoning_content" };
}
