/**
 * What an agent's program is asked in tests: which word a file of its folder holds. The model calls one of the program's
 * tools for it, and knows the answer once the tool has read the file.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { installPrograms } from "../build/npm-programs.ts";
import { ofItsOwn, programOutput } from "./foreign-program.ts";
import type { RecitedCall } from "./reciting-model.ts";
import { RecitingServer } from "./reciting-server.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const DOCUMENTED_URL = "http://localhost:1234";
const WORD = "violet";

export const QUESTION = "What word is in note.txt?";
export const ANSWER = `The word is ${WORD}.`;

export class AskedAgent implements AsyncDisposable {
  /** Of the programs' packages. */
  readonly packages: string;
  readonly #folder: TemporaryFolder;
  readonly #server: RecitingServer;

  private constructor(packages: string, folder: TemporaryFolder, server: RecitingServer) {
    this.packages = packages;
    this.#folder = folder;
    this.#server = server;
  }

  /** `call`: of the tool that reads the file at this path. */
  static async start(
    report: (line: string) => void,
    call: (path: string) => RecitedCall,
  ): Promise<AskedAgent> {
    const packages = await installPrograms("agents", report);
    const folder = await TemporaryFolder.create();
    for (const path of ["home", "work"]) await mkdir(folder.file(path));
    const note = folder.file("work/note.txt");
    await writeFile(note, `${WORD}\n`);
    const said = { call: call(note), word: WORD, answer: ANSWER };
    const server = await RecitingServer.start({ modelId: "my-model", ...said });
    return new AskedAgent(packages, folder, server);
  }

  /** What a page says, with the address of this server in the place of its own. */
  here(documented: string): string {
    if (!documented.includes(DOCUMENTED_URL)) throw new Error(`No address in: ${documented}`);
    return documented.replaceAll(DOCUMENTED_URL, this.#server.api.url);
  }

  /** Of the program's home. */
  home(path: string): string {
    return this.#folder.file(`home/${path}`);
  }

  run(program: string, args: readonly string[]): ReturnType<typeof programOutput> {
    const cwd = this.#folder.file("work");
    return programOutput(program, args, { cwd, env: ofItsOwn(this.#folder.file("home")) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
