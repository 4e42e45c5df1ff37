/**
 * llama.cpp's own reader of calls as a judge of ours, over the public chat templates that it collects: what models with a
 * template are held to, both read as the same calls.
 *
 * It finds out by itself what a template's models write, so the two know nothing of each other.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { toolSyntaxOf } from "@localmodel/tools/derive/tool-syntax.ts";
import { readAnswer } from "@localmodel/tools/fixtures/read-answer.ts";
import { tool } from "@localmodel/tools/fixtures/syntaxes.ts";
import { writtenCalls } from "@localmodel/tools/prompt/written-calls.ts";
import { checkOutLlama } from "../../scripts/llama-bindings/llama-sources.ts";
import { ChatTemplate } from "../../services/model-server/engine/prompt/chat-template.ts";
import { missing, readByLlama } from "../support/llama-parser/llama-parser.ts";

/** Where it reads something else, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "CohereForAI-c4ai-command-r-plus-tool_use": "it cannot render the template",
  "Kimi-K3": "it wants arguments one by one, which the template writes of none that is JSON",
  "MiniMax-M1": "it reads one call of an answer",
  "MiniMax-M2": "it reads one call of an answer",
  "MiniMax-M3":
    "it wants lists and objects in tags, too; models here are held to JSON inside of them",
  "Mistral-Small-3.2-24B-Instruct-2506": "it wants no id, which the template writes",
  "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": "it takes all of the answer for reasoning",
  "google-gemma-4-31B-it": "it wants texts in lists and objects between marks; here they are JSON",
  "google-gemma-4-31B-it-interleaved":
    "it wants texts in lists and objects between marks; here they are JSON",
  "ibm-granite-granite-3.3-2B-Instruct": "the template writes no calls, so it reads none",
  "meetkai-functionary-medium-v3.2": "it wants a mark before a second call that ends the first",
  "mistralai-Mistral-Nemo-Instruct-2407": "it wants an id behind the arguments",
  "upstage-Solar-Open-100B": "it wants an id of its own form",
};

const TOOLS = [
  tool("get_weather", {
    type: "object",
    properties: {
      city: { type: "string" },
      days: { type: "integer" },
      unit: { type: "string", enum: ["celsius", "kelvin"] },
      places: { type: "array", items: { type: "string" } },
      within: { type: "object", properties: { km: { type: "number" } } },
    },
    required: ["city"],
  }),
  tool("get_time", { type: "object", properties: {} }),
];
const WEATHER = (args: object) => ({ name: "get_weather", arguments: args });
const TIME = { name: "get_time", arguments: {} };
/** The calls of an answer, for each answer. */
const ANSWERS = [
  [WEATHER({ city: "Zürich" })],
  [WEATHER({ city: "Rome", days: 3, unit: "kelvin" })],
  [WEATHER({ city: 'The "Big" Apple & <co>', places: ["a", "b c"], within: { km: 1.5 } })],
  [TIME],
  [WEATHER({ city: "Oslo" }), TIME],
];

const folder = join(checkOutLlama().folder, "models/templates");
const skip = missing();

const judged = readdirSync(folder)
  .filter((name) => name.endsWith(".jinja"))
  .map((name) => {
    const source = readFileSync(join(folder, name), "utf8");
    const tokens = { bosText: "<s>", eosText: "</s>", controlTexts: [] };
    const template = new ChatTemplate(source, tokens);
    const syntax = toolSyntaxOf(source, template.writtenProbes);
    const answers = ANSWERS.filter((calls) => calls.length === 1 || syntax.between !== undefined);
    const { reasoning } = template.facts;
    const closed = reasoning?.opens.off === true ? reasoning.closing : "";
    const texts = answers.map((calls) => writtenCalls(syntax, calls));
    return { title: name.replace(".jinja", ""), source, syntax, answers, texts, closed };
  })
  // Those that are told how to call are told so by us.
  .filter(({ syntax }) => syntax.name !== "generic");

const read =
  skip === undefined
    ? readByLlama(
        judged.map(({ source, texts, closed }) => ({
          template: source,
          tools: TOOLS.map(({ name, parameters }) => ({
            type: "function",
            function: { name, description: "Tells.", parameters },
          })),
          texts: texts.map((text) => closed + text),
        })),
      )
    : [];

for (const [at, { title, syntax, answers, texts }] of judged.entries()) {
  const why = OTHERWISE[title];
  const says = why === undefined ? "as llama.cpp reads them" : `otherwise: ${why}`;
  test(`${title}: calls are read ${says}`, { skip }, () => {
    const theirs = texts.map((_, answer) => {
      const one = read[at]?.[answer] ?? { error: "nothing was read" };
      return "error" in one ? one.error : one.calls.map(parsed);
    });
    const ours = texts.map((text) =>
      readAnswer({ syntax, tools: TOOLS }, [text]).calls.map(parsed),
    );
    assert.deepEqual(ours, answers);
    if (why === undefined) assert.deepEqual(theirs, ours, texts.join("\n"));
    else assert.notDeepEqual(theirs, ours, `${title} is read alike now`);
  });
}

function parsed(call: { readonly name: string; readonly arguments: string }) {
  try {
    return { name: call.name, arguments: JSON.parse(call.arguments) as unknown };
  } catch {
    return call;
  }
}
