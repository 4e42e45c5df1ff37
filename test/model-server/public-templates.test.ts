/**
 * The public chat templates that llama.cpp collects, as judges of the descriptions of their families: what a template makes
 * of a conversation's calls is what its models write, so it has to be read as those calls.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readAnswer } from "@localmodel/tools/fixtures/read-answer.ts";
import { tool } from "@localmodel/tools/fixtures/syntaxes.ts";
import type { JsonSchema } from "@localmodel/inference/tools.ts";
import type { CallSyntax } from "@localmodel/tools/syntax/call-syntax.ts";
import { toolSyntaxOf } from "@localmodel/tools/derive/tool-syntax.ts";
import { checkOutLlama } from "../../scripts/llama-bindings/llama-sources.ts";
import { ChatTemplate } from "../../services/model-server/engine/prompt/chat-template.ts";
import { resolveTools } from "../../services/model-server/resolve/tools.ts";

/** Why what these write is not read as calls. Models of all others are also held to what they write. */
const UNREAD: Readonly<Record<string, string>> = {
  "LFM2.5-8B-A1B": "writes strings as Python does; its models are held to JSON's",
};

const PARAMETERS = {
  type: "object",
  properties: {
    city: { type: "string", description: "Where." },
    days: { type: "integer", description: "How many." },
  },
  required: ["city"],
};
const TOOLS = [
  tool("get_weather", PARAMETERS),
  tool("get_time", { type: "object", properties: {} }),
];
const CALLS = [
  { name: "get_weather", arguments: { city: "Zürich", days: 3 } },
  { name: "get_time", arguments: {} },
];
/** What parameters may be, and some templates do not expect. */
const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  nothing: {},
  undescribed: { type: "object", properties: { a: { type: "string" } } },
  types: { type: "object", properties: { a: { type: ["string", "null"], description: "A." } } },
  union: {
    type: "object",
    properties: { a: { anyOf: [{ type: "integer" }, { type: "null" }], default: null } },
  },
  values: { type: "object", properties: { a: { enum: ["x", 1, null] }, b: { const: 3 } } },
  lists: { type: "object", properties: { a: { type: "array" }, b: { items: { type: "array" } } } },
  anything: { type: "object", properties: { a: true }, required: ["a"] },
  reference: {
    type: "object",
    properties: { a: { $ref: "#/$defs/X" } },
    $defs: { X: { type: "object", properties: { y: { type: "integer" } } } },
  },
  either: {
    anyOf: [{ type: "object", properties: { a: { type: "string" } } }, { type: "object" }],
  },
  others: { type: "object", additionalProperties: { type: "string" } },
};

function messagesOf(calls: typeof CALLS) {
  const written = calls.map(({ name, arguments: args }, at) => ({
    id: `call0000${at}`,
    type: "function" as const,
    function: { name, arguments: JSON.stringify(args) },
  }));
  return [
    { role: "user", content: "wordofuser" },
    { role: "assistant", content: "", tool_calls: written },
    ...written.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "wordofresult" })),
  ];
}

/** What a template makes of calls, from the user's message to the first result. */
function writtenBy(template: ChatTemplate, toolSyntax: CallSyntax, calls: typeof CALLS): string {
  const tools = TOOLS.map(({ name, parameters }) => ({
    type: "function" as const,
    function: { name, description: "Tells.", parameters },
  }));
  const asked = { prompts: [{ kind: "chat" as const, messages: messagesOf(calls), tools }] };
  const [prompt] = resolveTools(asked, { template: template.facts, toolSyntax }).prompts ?? [];
  assert.ok(prompt?.kind === "chat");
  const segments = template.render(prompt);
  const text = segments.map((segment) => segment.text).join("");
  const [answer = ""] = text.slice(text.lastIndexOf("wordofuser")).split("wordofresult");
  return answer;
}

const folder = join(checkOutLlama().folder, "models/templates");
for (const name of readdirSync(folder).filter((one) => one.endsWith(".jinja"))) {
  const title = name.replace(".jinja", "");
  const source = readFileSync(join(folder, name), "utf8");
  const template = new ChatTemplate(source, { bosText: "<s>", eosText: "</s>", controlTexts: [] });
  const syntax = toolSyntaxOf(source, template.writtenProbes);
  const isRead = UNREAD[title] === undefined;
  test(`${title}: calls are ${isRead ? "read as its template writes them" : `text: ${UNREAD[title]}`}`, () => {
    const calls = syntax.between === undefined ? CALLS.slice(0, 1) : CALLS;
    const written = writtenBy(template, syntax, calls);
    const found = readAnswer({ syntax, tools: TOOLS }, [written]).calls.map((call) => ({
      name: call.name,
      arguments: call.complete ? (JSON.parse(call.arguments) as unknown) : call.arguments,
    }));
    if (isRead) assert.deepEqual(found, calls, written);
    else assert.notDeepEqual(found, calls, `${title} can be read now`);
  });

  test(`${title}: tools are shown to the model, whatever their schemas say`, () => {
    for (const [what, parameters] of Object.entries(SCHEMAS)) {
      const described = { name: "wordoftool", description: "Tells.", parameters };
      const tools = [{ type: "function" as const, function: described }];
      const messages = [{ role: "user", content: "wordofuser" }];
      const asked = { prompts: [{ kind: "chat" as const, messages, tools }] };
      const use = {
        tools: [tool("wordoftool", parameters)],
        choice: "auto" as const,
        parallel: true,
      };
      const { facts } = template;
      const resolved = resolveTools(
        { ...asked, toolUse: use },
        { template: facts, toolSyntax: syntax },
      );
      const [prompt] = resolved.prompts ?? [];
      assert.ok(prompt?.kind === "chat");
      const text = template
        .render(prompt)
        .map((segment) => segment.text)
        .join("");
      for (const word of ["wordoftool", "wordofuser"]) assert.ok(text.includes(word), what);
    }
  });

  test(`${title}: what a tool shows is shown to the model`, () => {
    const content = [
      { type: "text" as const, text: "There: " },
      { type: "image" as const, picture: 0 },
    ];
    const [user, call] = messagesOf(CALLS.slice(0, 1));
    assert.ok(user !== undefined && call !== undefined);
    const result = { role: "tool", tool_call_id: "call00000", content };
    const messages = [user, call, result];
    const asked = { prompts: [{ kind: "chat" as const, messages }] };
    const { facts } = template;
    const [prompt] = resolveTools(asked, { template: facts, toolSyntax: syntax }).prompts ?? [];
    assert.ok(prompt?.kind === "chat");
    const more = [{ role: "assistant", content: "I see." }, user];
    for (const told of [prompt, { ...prompt, messages: [...prompt.messages, ...more] }]) {
      const pictures = template.render(told).filter(({ kind }) => kind === "picture");
      assert.equal(pictures.length, 1);
    }
  });
}
