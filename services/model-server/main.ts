/**
 * A model server: one model behind OpenAI's HTTP interface.
 *
 * Weights are what everyone waits for, so the engine process is started before anything else is loaded,
 * even before the configuration is read.
 */
import { shareCompileCache } from "@localmodel/service/process/compile-cache.ts";
import { forkEngine } from "./engine/process/engine-child.ts";

shareCompileCache();
const child = forkEngine();
const { serve } = await import("./serve.ts");
await serve(child);
