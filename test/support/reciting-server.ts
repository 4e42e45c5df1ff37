/**
 * The product with a model that calls a tool of its client's: the API service, and behind it a model server with a reciting
 * model. The model answers once the result holds the word that only the tool can have found, and gives up where it does not.
 */
import { ApiProcess } from "./api-process.ts";
import { ModelServer } from "./model-server.ts";
import { type RecitedCall, writeRecitingModel } from "./reciting-model.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

/** What agents say before a question has some ten thousand words. */
export const CONTEXT_TOKENS = 131_072;

type Recited = {
  readonly modelId: string;
  readonly call: RecitedCall;
  readonly word: string;
  readonly answer: string;
};

export class RecitingServer implements AsyncDisposable {
  readonly api: ApiProcess;
  readonly #server: ModelServer;
  readonly #folder: TemporaryFolder;

  private constructor(api: ApiProcess, server: ModelServer, folder: TemporaryFolder) {
    this.api = api;
    this.#server = server;
    this.#folder = folder;
  }

  static async start({ modelId, call, word, answer }: Recited): Promise<RecitingServer> {
    const folder = await TemporaryFolder.create();
    const weightsPath = folder.file("reciting.gguf");
    const results = "messages | selectattr('role', 'equalto', 'tool') | map(attribute='content')";
    await writeRecitingModel(weightsPath, {
      texts: { calls: "I look.\n<tool_call>", answers: answer, gives_up: "I cannot tell." },
      call,
      cue: `'answers' if not tools or '${word}' in ${results} | join(' ') else ('gives_up' if ${results} | list else 'calls')`,
      contextLength: CONTEXT_TOKENS,
    });
    const engine = { contextTokens: CONTEXT_TOKENS, slots: 1 };
    const server = await ModelServer.ready({ weightsPath, modelId, engine });
    const api = await ApiProcess.start({ models: [{ id: modelId, endpoints: [server.url] }] });
    return new RecitingServer(api, server, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.stop();
    await this.#server[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
