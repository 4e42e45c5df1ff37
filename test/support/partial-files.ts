/** Watches a download in the cache from outside. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { TemporaryFolder } from "./temporary-folder.ts";

/** Resolves once `bytes` of a download into `folder`/cache are on disk. */
export async function partialHas(folder: TemporaryFolder, bytes: number): Promise<void> {
  const partials = folder.file("cache/partial");
  for (;;) {
    const names = await readdir(partials).catch(() => []);
    for (const name of names.filter((it) => it.endsWith(".gguf"))) {
      const stats = await stat(join(partials, name)).catch(() => undefined);
      if (stats !== undefined && stats.size >= bytes) return;
    }
    await setImmediate();
  }
}
