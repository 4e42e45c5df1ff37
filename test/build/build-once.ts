/** An image that exists is never built again: its name has the hash of what it is made of. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./command.ts";
import { hasImage } from "./docker.ts";

export type Report = (line: string) => void;

export async function once(
  name: string,
  report: Report,
  build: () => Promise<void>,
): Promise<void> {
  if (await hasImage(name)) return;
  report(`building ${name}`);
  await build();
}

export class BuildContext implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async of(folder: string): Promise<BuildContext> {
    const context = new BuildContext(await mkdtemp(join(tmpdir(), "localmodel-build-")));
    await run("cp", ["-r", `${folder}/.`, context.path]);
    return context;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
