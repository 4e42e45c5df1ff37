/**
 * Models whose answers are several messages, with the public templates that llama.cpp collects: what is thought, said and
 * called is told apart, and the heads of the messages are none of it.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { GenerateEvent, GenerateRequest } from "@localmodel/inference/generate.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { toolSyntaxOf } from "@localmodel/tools/derive/tool-syntax.ts";
import { tool } from "@localmodel/tools/fixtures/syntaxes.ts";
import { checkOutLlama } from "../../scripts/llama-bindings/llama-sources.ts";
import type { Engine } from "../../services/model-server/engine/contract.ts";
import { ChatTemplate } from "../../services/model-server/engine/prompt/chat-template.ts";
import { readingEngine } from "../../services/model-server/routes/reading-engine.ts";

const CONTROL = /(<\|[a-z]+\|>)/;
const REQUEST = {
  prompts: [{ kind: "chat", messages: [] }],
  reportsPieces: true,
  toolUse: { tools: [tool("f"), tool("g")], choice: "auto", parallel: true },
} as unknown as GenerateRequest;

type Parts = { thought: string; said: string; called: string };

async function read(name: string, answer: string): Promise<Parts> {
  const folder = join(checkOutLlama().folder, "models/templates");
  const source = readFileSync(join(folder, `${name}.jinja`), "utf8");
  const controlTexts = source.match(/<\|[a-z]+\|>/g) ?? [];
  const template = new ChatTemplate(source, { bosText: "", eosText: "", controlTexts });
  const facts = {
    template: template.facts,
    toolSyntax: toolSyntaxOf(source, template.writtenProbes),
  } as unknown as ModelFacts;
  const engine = { ask: () => eventsOf(answer) } as unknown as Engine;
  const parts: Parts = { thought: "", said: "", called: "" };
  const { signal } = new AbortController();
  for await (const event of readingEngine(engine, facts).ask("generate", REQUEST, signal)) {
    if (event.type === "delta")
      parts[event.isReasoning === true ? "thought" : "said"] += event.text;
    if (event.type === "tool_call") parts.called += event.name;
    if (event.type === "tool_arguments") parts.called += event.text;
  }
  return parts;
}

/** As an engine tells them: control tokens write nothing. */
async function* eventsOf(answer: string): AsyncGenerator<GenerateEvent> {
  const pieces = answer
    .split(CONTROL)
    .flatMap((part) => (CONTROL.test(part) ? [part] : (part.match(/\s?\S+|\s/g) ?? [])));
  for (const [token, text] of pieces.entries()) {
    const isControl = CONTROL.test(text);
    const piece = { token, text, isControl };
    yield { type: "delta", choice: 0, text: isControl ? "" : text, pieces: [piece] };
  }
  yield { type: "finish", choice: 0, reason: "stop" };
}

const CALL_F =
  ' to=f<|message|><atem:function_calls>\n<atem:invoke name="f">\n<atem:parameter name="a">1</atem:parameter>\n</atem:invoke>\n</atem:function_calls>';
const CALL_G = CALL_F.replaceAll("f<|", "g<|").replace('"f"', '"g"');
const ANSWERS: readonly (readonly [
  template: string,
  what: string,
  answer: string,
  parts: Parts,
])[] = [
  [
    "openai-gpt-oss-120b",
    "a call behind thoughts",
    '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":1}',
    { thought: "Hm.", said: "", called: 'f{"a":1}' },
  ],
  [
    "openai-gpt-oss-120b",
    "a call with its tool before the channel",
    '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant to=functions.f<|channel|>commentary json<|message|>{"a":1}',
    { thought: "Hm.", said: "", called: 'f{"a":1}' },
  ],
  [
    "openai-gpt-oss-120b",
    "thoughts behind thoughts",
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>analysis<|message|>Well.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
    { thought: "Hm.Well.", said: "Yes.", called: "" },
  ],
  [
    "openai-gpt-oss-120b",
    "words before a call",
    '<|channel|>commentary<|message|>I ask.<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":1}',
    { thought: "", said: "I ask.", called: 'f{"a":1}' },
  ],
  [
    "muse-glimmer",
    "an answer to the user",
    " to=user<|message|>Hello, world!",
    { thought: "", said: "Hello, world!", called: "" },
  ],
  [
    "muse-glimmer",
    "thoughts, words and two calls",
    ` to=self<|message|>Hm.<|eom|><|start|>assistant to=user<|message|>I ask.<|eom|><|start|>assistant${CALL_F}<|eom|><|start|>assistant${CALL_G}`,
    { thought: "Hm.", said: "I ask.", called: 'f{"a": "1"}g{"a": "1"}' },
  ],
  [
    "muse-glimmer",
    "two calls at once",
    `${CALL_F}<|eom|><|start|>assistant${CALL_G}`,
    { thought: "", said: "", called: 'f{"a": "1"}g{"a": "1"}' },
  ],
];

for (const [template, what, answer, parts] of ANSWERS) {
  test(`${template}: ${what}`, async () => {
    assert.deepEqual(await read(template, answer), parts);
  });
}
