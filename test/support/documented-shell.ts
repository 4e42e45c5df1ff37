/**
 * Where documented commands are run as they are written: a folder with what a checkout has, the programs under their
 * usual names, and nothing of this machine's configuration.
 */
import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY } from "./documented-commands.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";

const TIMEOUT_MS = 120_000;
/** Folders that commands name, and the files they are written from. */
const LINKED = ["charts", "crds", "examples"];

type Programs = { readonly kubectl: string; readonly helm: string };

export class DocumentedShell {
  readonly #folder: TemporaryFolder;
  readonly #kubeconfig: string;

  private constructor(folder: TemporaryFolder, kubeconfig: string) {
    this.#folder = folder;
    this.#kubeconfig = kubeconfig;
  }

  /** `linked`: which folders of the checkout are there. */
  static async in(
    folder: TemporaryFolder,
    { kubectl, helm }: Programs,
    kubeconfig: string,
    linked = LINKED,
  ): Promise<DocumentedShell> {
    await mkdir(folder.file("bin"));
    await mkdir(folder.file("checkout"));
    await symlink(kubectl, folder.file("bin/kubectl"));
    await symlink(helm, folder.file("bin/helm"));
    for (const name of linked) {
      await symlink(join(REPOSITORY, name), folder.file(`checkout/${name}`));
    }
    return new DocumentedShell(folder, kubeconfig);
  }

  /** Resolves to what was printed. */
  async run(text: string, timeoutMs = TIMEOUT_MS): Promise<string> {
    const args = ["--norc", "-euo", "pipefail", "-c", text];
    const { stdout } = await promisify(execFile)("bash", args, {
      cwd: this.#folder.file("checkout"),
      timeout: timeoutMs,
      env: {
        PATH: [this.#folder.file("bin"), process.env["PATH"]].join(delimiter),
        HOME: this.#folder.file("home"),
        KUBECONFIG: this.#kubeconfig,
      },
    });
    return stdout;
  }
}
