/**
 * The init container of a model's pods: brings and verifies the files, and links them where the server
 * expects them. What it is told, and what it says while it works: packages/localmodel/contracts/fetch-config.ts.
 */
import { fetchedMessage } from "@localmodel/localmodel/contracts/cache-cleaning.ts";
import { shareCompileCache } from "@localmodel/service/process/compile-cache.ts";

shareCompileCache();
const { runContainer } = await import("./pod/run-container.ts");
const { cleanAsTold } = await import("./pod/clean.ts");
const { fetchFiles } = await import("./pod/fetch-files.ts");

await runContainer("fetch", async (config, hooks) => {
  await cleanAsTold(config, hooks);
  return fetchedMessage(await fetchFiles(config, hooks));
});
