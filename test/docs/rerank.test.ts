/** The requests and programs of docs/rerank.md, as they stand there, to a real reranker: Cohere's clients and LangChain's. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { ApiProcess } from "../support/api-process.ts";
import { commandsOf, isRunBy, programsOf, REPOSITORY } from "../support/documented-commands.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyEmbeddingModel } from "../support/tiny-models.ts";
import { lackOf, outputOf } from "../support/python-programs.ts";

const PAGE = "docs/rerank.md";
const SELF = relative(REPOSITORY, import.meta.filename);
const DOCUMENTED_URL = "http://localhost:1234";
const run = promisify(execFile);

type Ranking = {
  results: { index: number; relevance_score: number; document: { text: string } }[];
};

suite("reranking as documented", { timeout: 240_000 }, () => {
  let folder: TemporaryFolder;
  let server: ModelServer;
  let api: ApiProcess;
  before(async () => {
    folder = await TemporaryFolder.create();
    await writeTinyEmbeddingModel(folder.file("ranks.gguf"), { contextLength: 128, ranks: true });
    server = await ModelServer.ready({
      weightsPath: folder.file("ranks.gguf"),
      modelId: "my-reranker",
    });
    api = await ApiProcess.start({ models: [{ id: "my-reranker", endpoints: [server.url] }] });
  });
  after(async () => {
    await api.stop();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const here = (script: string) => {
    assert.ok(script.includes(DOCUMENTED_URL), script);
    return script.replaceAll(DOCUMENTED_URL, api.url);
  };

  /** What the page's query finds, by the request of which everybody knows the form. */
  async function best(): Promise<Ranking["results"][number]> {
    const commands = (await commandsOf(PAGE)).filter((one) => isRunBy(one, SELF));
    assert.equal(commands.length, 1);
    const args = ["-euo", "pipefail", "-c", here(commands[0]?.text ?? "")];
    const { stdout } = await run("bash", args);
    const [result] = (JSON.parse(stdout) as Ranking).results;
    assert.ok(result !== undefined, stdout);
    return result;
  }

  test("the request with curl ranks the documents", async () => {
    const { index, document } = await best();
    assert.ok([0, 1].includes(index));
    assert.ok(document.text.length > 0);
  });

  test("the programs in Python print the same document first", async (t) => {
    const { index, document } = await best();
    const programs = await programsOf(PAGE, "python");
    assert.equal(programs.length, 3);
    const lack = await lackOf(...programs);
    if (lack !== undefined) return t.skip(lack);
    for (const program of programs) {
      const stdout = await outputOf(here(program));
      const expected = program.includes("page_content") ? document.text : `${index} `;
      assert.ok(stdout.startsWith(expected), stdout);
    }
  });

  test("Open WebUI's request is answered by an index and a score for every document", async () => {
    const documents = ["a river in the city", "the king of the river", "city"];
    const response = await api.post("/v1/rerank", {
      model: "my-reranker",
      query: "the king",
      documents,
      top_n: documents.length,
    });
    const { results } = (await response.json()) as Ranking;
    assert.deepEqual(
      results.map(({ index }) => index).toSorted((a, b) => a - b),
      [0, 1, 2],
    );
    for (const one of results) assert.equal(typeof one.relevance_score, "number");
  });
});
