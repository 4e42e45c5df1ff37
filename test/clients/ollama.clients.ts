/**
 * The program `ollama` from its makers' source, without its server, on `npm start` with a folder of models: on a terminal as
 * docs/clients.md says, with a question, and with the commands that docs/ollama.md speaks of.
 */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildTool } from "../build/binaries.ts";
import { commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { eventually } from "../support/eventually.ts";
import { ofItsOwn, programOutput } from "../support/foreign-program.ts";
import { LocalMode } from "../support/local-mode.ts";
import { writeRecitingModel } from "../support/reciting-model.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { Terminal } from "../support/terminal.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const MAIN = join(REPOSITORY, "services/local/main.ts");
const DOCUMENTED_URL = "http://localhost:1234";
const MODEL = "smollm2-135m";
const CONTEXT_TOKENS = 2048;
const QUESTION = "What is the capital of France?";
const ANSWER = "It is Paris.";
const OTHERWISE = "Nobody asked.";

suite("ollama", () => {
  let folder: TemporaryFolder;
  let local: LocalMode;
  let program: string;
  let url: string;

  before(async () => {
    program = await buildTool("ollama", (line) => console.error(line));
    folder = await TemporaryFolder.create();
    await writeRecitingModel(folder.file(`${MODEL}.gguf`), {
      texts: { answers: ANSWER, otherwise: OTHERWISE },
      cue: `'answers' if messages[-1].content == '${QUESTION}' else 'otherwise'`,
      contextLength: CONTEXT_TOKENS,
    });
    local = new LocalMode({
      main: MAIN,
      arguments: [folder.path, "--port", "0", "--slots", "1", "--threads", "1"],
      environment: { LOCALMODEL_CACHE: folder.file(".cache") },
    });
    url = (await local.url()).replace(/\/v1$/u, "");
  });
  after(async () => {
    await local[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const environment = () => {
    const env = ofItsOwn(folder.path);
    return { ...env, PATH: `${dirname(program)}:${env["PATH"]}` };
  };
  const ollama = async (...args: readonly string[]): Promise<string> => {
    const env = { ...environment(), OLLAMA_HOST: url };
    const { stdout } = await programOutput(program, args, { cwd: folder.path, env });
    return stdout;
  };

  test("models are listed and shown", async () => {
    const listed = new RegExp(`^${MODEL} +\\w{12} +[\\d.]+ [KM]B `, "mu");
    await eventually("a list with a model whose header has been read", async () =>
      assert.match(await ollama("list"), listed),
    );
    const shown = await ollama("show", MODEL);
    assert.match(shown, /^ +architecture +llama *$/mu);
    assert.match(shown, new RegExp(`^ +context length +${CONTEXT_TOKENS} *$`, "mu"));
    assert.match(shown, /^ +Capabilities\n +completion *\n +tools *$/mu);
  });

  test("the command of the page converses on a terminal, and says how fast", async () => {
    const commands = (await commandsOf("docs/clients.md")).filter((one) => isRunBy(one, SELF));
    assert.equal(commands.length, 1);
    const documented = commands[0]?.text ?? "";
    assert.ok(documented.includes(DOCUMENTED_URL));
    const here = documented.replaceAll(DOCUMENTED_URL, url);
    await using terminal = new Terminal(here, environment());
    await terminal.shows(/>>> /u);
    terminal.type(QUESTION);
    await terminal.shows(/It is Paris\.[^]+\neval rate: +[\d.]+ tokens\/s[^]+>>> /u);
    terminal.type("/bye");
    assert.equal(await terminal.end(), 0);
  });

  test("a question on the command line is answered", async () => {
    assert.equal((await ollama("run", MODEL, QUESTION)).trim(), ANSWER);
  });

  test("a model that has answered runs for an hour, as long as it is told to, or until it is stopped", async () => {
    const until = (when: string) =>
      eventually(`a model that runs until ${when}`, async () =>
        assert.match(
          await ollama("ps"),
          new RegExp(`^${MODEL} .* ${CONTEXT_TOKENS} +(?:${when}) *$`, "mu"),
        ),
      );
    await ollama("run", MODEL, QUESTION);
    await until("About an hour from now|5[0-9] minutes from now");
    await ollama("run", "--keepalive", "5h30m", MODEL, QUESTION);
    await until("5 hours from now");
    await ollama("run", "--keepalive", "-1m", MODEL, QUESTION);
    await until("Forever");
    await ollama("stop", MODEL);
    await eventually("a model that is not listed as running", async () =>
      assert.doesNotMatch(await ollama("ps"), new RegExp(MODEL, "u")),
    );
    assert.match(await ollama("list"), new RegExp(MODEL, "u"));
  });
});
