/**
 * Comes before all pods of a model: reads the headers of its files, so that the operator knows how much
 * memory the pods need. Its answer is its termination message (packages/localmodel/contracts/inspection.ts).
 */
import { inspectionMessage } from "@localmodel/localmodel/contracts/inspection.ts";
import { shareCompileCache } from "@localmodel/service/process/compile-cache.ts";

shareCompileCache();
const { runContainer } = await import("./pod/run-container.ts");
const { inspectFiles } = await import("./pod/inspect-files.ts");

await runContainer("inspect", async (config, hooks) => {
  const inspection = await inspectFiles(config, hooks);
  hooks.log.info("inspected", inspection);
  return inspectionMessage(inspection);
});
