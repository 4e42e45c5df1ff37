/** How much memory conversations may take that no slot holds any more. Pure. */
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";

/** Of what is free once the model is loaded, where nobody says how much. */
const FREE_SHARE = 1 / 8;
const MOST_BYTES = 2 * 2 ** 30;

/** In a pod memory is what the operator has counted, so what nobody asked for is nothing there. */
export function promptCacheBytes(
  { engine, contextFromMemory }: Pick<ServerConfig, "engine" | "contextFromMemory">,
  freeBytes: number,
): number {
  if (engine.promptCacheMiB !== undefined) return engine.promptCacheMiB * 2 ** 20;
  return contextFromMemory ? Math.floor(Math.min(MOST_BYTES, freeBytes * FREE_SHARE)) : 0;
}
