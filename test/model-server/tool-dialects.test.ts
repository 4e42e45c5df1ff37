/**
 * Random tools, offered in every dialect to a model of noise at the highest temperature: what is demanded is obeyed, and what
 * a call says is valid for its tool, whole and streamed.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ajv } from "../support/ajv.ts";
import { ModelServer } from "../support/model-server.ts";
import { type FunctionTool, randomTools } from "../support/random-tools.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";
import {
  askForCalls,
  type Asked,
  type Choice,
  TOOL_DIALECTS,
  type ToolAnswer,
} from "../support/tool-dialects.ts";

const REQUESTS = Number(process.env["TOOLS_REQUESTS"] ?? 12);
const SEED = Number(process.env["TOOLS_SEED"] ?? 1);

/** A call begins with one token, which noise says by itself now and then. */
const TEMPLATE = `{{ tools | tojson }}<tool_call>{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor -%}<|im_start|>assistant
`;

suite("tools in every dialect", { timeout: 300_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  before(async () => {
    folder = await TemporaryFolder.create();
    const weightsPath = folder.file("tiny.gguf");
    await writeTinyChatModel(weightsPath, { chatTemplate: TEMPLATE, userDefined: ["<tool_call>"] });
    server = await ModelServer.ready({ weightsPath, engine: { slots: 2, contextTokens: 4096 } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  for (const [name, dialect] of Object.entries(TOOL_DIALECTS)) {
    test(`${name}: a choice is obeyed, and arguments are valid`, async () => {
      const random = seededRandom(SEED);
      let valid = 0;
      for (let seed = 0; seed < REQUESTS; seed++) {
        const tools = randomTools(random);
        const kind = dialect.choices[seed % dialect.choices.length] ?? "auto";
        const choice = randomChoice(random, kind, tools);
        const parallel = random() < 0.5 || !dialect.limitsCalls;
        const asked: Asked = {
          model: server.modelId,
          tools,
          choice,
          parallel,
          strict: random() < 0.5,
          stream: random() < 0.5,
          seed,
          maxTokens: mustCall(choice) ? 1000 : 300,
        };
        const answer = await askForCalls(dialect, { url: server.url, asked });
        assertObeys(answer, asked);
        valid += answer.isCut ? 0 : answer.calls.length;
      }
      if (dialect.choices.includes("required")) assert.ok(valid >= REQUESTS / 4, `${valid}`);
    });
  }
});

function randomChoice(
  random: () => number,
  kind: Choice["kind"],
  tools: readonly FunctionTool[],
): Choice {
  const names = tools.map((tool) => tool.function.name);
  const one = names[Math.floor(random() * names.length)] ?? "";
  const mode = random() < 0.7 ? "required" : "auto";
  if (kind === "named") return { kind, name: one };
  if (kind === "allowed") return { kind, mode, names: [one] };
  return { kind };
}

function mustCall(choice: Choice): boolean {
  const kind = choice.kind === "allowed" ? choice.mode : choice.kind;
  return kind === "required" || kind === "named";
}

/** Of an answer that was cut off, the last call may lack its end. */
function assertObeys(answer: ToolAnswer, { tools, choice, parallel }: Asked): void {
  const { calls, isCut } = answer;
  const told = JSON.stringify({ answer, choice, parallel, tools });
  if (mustCall(choice)) assert.ok(calls.length > 0, told);
  if (choice.kind === "none") assert.deepEqual(calls, [], told);
  if (choice.kind === "named" || !parallel) assert.ok(calls.length <= 1, told);
  const allowed =
    choice.kind === "named"
      ? [choice.name]
      : choice.kind === "allowed"
        ? choice.names
        : tools.map((tool) => tool.function.name);
  for (const [index, { name, json }] of calls.entries()) {
    assert.ok(allowed.includes(name), told);
    if (isCut && index === calls.length - 1) continue;
    const tool = tools.find((one) => one.function.name === name);
    assert.ok(ajv.compile(tool?.function.parameters ?? { type: "object" })(JSON.parse(json)), told);
  }
}
