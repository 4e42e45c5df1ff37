import assert from "node:assert/strict";
import { test } from "node:test";
import { larkGrammar } from "@localmodel/grammar/compile-lark.ts";
import { GrammarError } from "@localmodel/grammar/grammar-error.ts";
import { ajv } from "../../../test/support/ajv.ts";
import { randomFrom } from "@localmodel/grammar/fixtures/judge.ts";
import { randomSchema } from "@localmodel/grammar/fixtures/random-schema.ts";
import { type Random, sampler } from "@localmodel/grammar/fixtures/sample.ts";
import { acceptsText, programOf } from "@localmodel/grammar/gbnf/recognize.ts";
import { tidy } from "@localmodel/grammar/rules/tidy.ts";
import type { Tool } from "@localmodel/inference/tools.ts";
import { grammarOf } from "../fixtures/compiled-language.ts";
import { cutAt, readAnswer } from "../fixtures/read-answer.ts";
import { SYNTAXES, tool } from "../fixtures/syntaxes.ts";
import { writtenCalls } from "../prompt/written-calls.ts";
import type { CallSyntax } from "../syntax/call-syntax.ts";
import { callsLanguage } from "./calls-language.ts";

const SEED = Number(process.env["TOOLS_SEED"] ?? 20261129);
const TOOL_SETS = Number(process.env["TOOLS_SETS"] ?? 12);
const SAMPLES = 6;

/** Objects as clients describe them, whose properties are anything. */
function randomTool(name: string, random: Random): Tool {
  const keys = ["city", "unit", "$count", "x-1"].filter(() => random() < 0.6);
  const properties = Object.fromEntries(
    keys.map((key) => [key, random() < 0.4 ? { type: "string" } : randomSchema(random, 2)]),
  );
  return tool(name, {
    type: "object",
    properties,
    required: keys.filter(() => random() < 0.5),
    ...(random() < 0.2 && { minProperties: 1 }),
  });
}

function languageGrammar(syntax: CallSyntax, tools: readonly Tool[]) {
  try {
    return tidy(grammarOf(callsLanguage(syntax, tools)));
  } catch (error) {
    if (error instanceof GrammarError) return undefined;
    throw error;
  }
}

for (const syntax of SYNTAXES) {
  test(`${syntax.name}: what the language of calls writes is read as calls with valid arguments`, () => {
    const random = randomFrom(SEED);
    let read = 0;
    for (let set = 0; set < TOOL_SETS; set++) {
      const tools = ["get_weather", "b.2"].map((name) => randomTool(name, random));
      const grammar = languageGrammar(syntax, tools);
      if (grammar === undefined) continue;
      const sample = sampler(grammar);
      for (let n = 0; n < SAMPLES; n++) {
        const text = sample(random, n * 40);
        const places = Array.from({ length: 5 }, () => Math.floor(random() * text.length));
        const answer = readAnswer({ syntax, tools }, cutAt(text, places));
        assert.equal(answer.text, "", text);
        assert.ok(answer.calls.length > 0, text);
        for (const call of answer.calls) {
          const called = tools.find(({ name }) => name === call.name);
          assert.ok(called !== undefined && call.complete, text);
          const validate = ajv.compile(called.parameters);
          assert.ok(
            validate(JSON.parse(call.arguments)),
            `${JSON.stringify(called.parameters)} does not allow ${call.arguments}, read of ${text}`,
          );
          read += 1;
        }
      }
    }
    assert.ok(read > TOOL_SETS, `only ${read} calls were read`);
  });

  test(`${syntax.name}: the text of a tool with a Lark grammar is of the grammar, read from any call`, () => {
    const random = randomFrom(SEED);
    const definition = String.raw`start: "say \"" /[a-z<>\n\\\/]*/ "\"\n" start?`;
    const said: Tool = {
      ...tool("say", {
        type: "object",
        properties: { input: { type: "string", format: "lark" } },
        required: ["input"],
      }),
      inputGrammar: { definition, field: "tools[0].custom.format.grammar.definition" },
    };
    const sample = sampler(tidy(grammarOf(callsLanguage(syntax, [said], 1)))!);
    const ofGrammar = programOf(larkGrammar(definition));
    for (let n = 0; n < SAMPLES; n++) {
      const text = sample(random, n * 20);
      const { calls } = readAnswer({ syntax, tools: [said] }, cutAt(text, [n * 7]));
      const [call, another] = calls;
      assert.ok(call !== undefined && call.complete && another === undefined, text);
      const { input } = JSON.parse(call.arguments) as { input: string };
      assert.ok(acceptsText(ofGrammar, input), text);
    }
  });

  test(`${syntax.name}: the language has the calls that its template writes`, () => {
    const tools = [
      tool("f", {
        type: "object",
        properties: {
          city: { type: "string" },
          unit: { enum: ["c", "f"] },
          days: { type: "integer" },
        },
        required: ["city"],
      }),
      tool("g"),
    ];
    const calls = [
      { name: "f", arguments: { city: "a <b> </c", unit: "c", days: 3 } },
      { name: "f", arguments: { city: "" } },
      { name: "g", arguments: {} },
    ];
    const program = programOf(grammarOf(callsLanguage(syntax, tools)));
    const written = syntax.between === undefined ? calls.slice(0, 1) : calls;
    const text = writtenCalls(syntax, written);
    assert.ok(acceptsText(program, text), text);
  });
}
