/** The examples of docs/structured-output.md, as they stand there but for the address. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { smollm2Path } from "../support/smollm2.ts";

const PAGE = "docs/structured-output.md";
const SELF = relative(REPOSITORY, import.meta.filename);
const run = promisify(execFile);

suite("the examples of structured output", { timeout: 300_000 }, async () => {
  let server: ModelServer;
  before(async () => {
    server = await ModelServer.ready({
      modelId: "smollm2-135m",
      weightsPath: await smollm2Path(),
      engine: { slots: 2, contextTokens: 1024, threads: 1 },
    });
  });
  after(() => server[Symbol.asyncDispose]());
  const here = (text: string) => text.replaceAll("http://localhost:1234", server.url);

  for (const command of (await commandsOf(PAGE)).filter((one) => isRunBy(one, SELF))) {
    test(`the commands at ${PAGE}:${command.line} are answered`, async () => {
      const script = here(command.text);
      const { stdout } = await run("bash", ["--norc", "-euo", "pipefail", "-c", script]);
      const answers = stdout.trim().replaceAll("}{", "}\n{").split("\n");
      assert.ok(answers.length > 0);
      for (const answer of answers) assertAnswer(answer);
    });
  }

  test("the JavaScript prints what it parsed", async () => {
    const page = await readFile(join(REPOSITORY, PAGE), "utf8");
    const [, example = ""] = /```js\n([^]*?)```/.exec(page) ?? [];
    const program = here(example);
    const options = { cwd: REPOSITORY };
    const { stdout } = await run(
      process.execPath,
      ["--input-type=module", "--eval", program],
      options,
    );
    assert.match(stdout, /name: '[^]*country: '[^]*is_capital: (true|false)/);
  });
});

type Answer = {
  readonly choices: readonly {
    readonly text?: string;
    readonly message?: { readonly content: string };
    readonly finish_reason: string;
  }[];
};

function assertAnswer(answer: string): void {
  const { choices } = JSON.parse(answer) as Answer;
  const [choice] = choices;
  assert.equal(choice?.finish_reason, "stop");
  if (choice.message !== undefined) {
    const { answer: word, percent } = JSON.parse(choice.message.content) as Record<string, unknown>;
    assert.ok(["yes", "no", "unsure"].includes(String(word)));
    assert.ok(Number.isInteger(percent));
  } else assert.match(choice.text ?? "", /^( Paris| Rome| Madrid|[A-Z]{2}-\d{3})$/);
}
