/** The files in which the states of slots outlive the process, where the LocalModel has a folder for them. */
import { cacheTypesOf } from "@localmodel/localmodel/contracts/cache-bytes.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { LlamaLog } from "../llama/library.ts";
import { fingerprintOf } from "../model/facts.ts";
import { StateFiles } from "./state-files.ts";

/** Changes with what a state has in it. */
const FORMAT = 2;

type Computed = {
  /** Release of llama.cpp, and what it runs on. */
  readonly engine: string;
  readonly contextTokens: number;
  readonly projectorBytes: number;
};

/** Undefined where nothing is to be kept. */
export async function openStateFiles(
  config: ServerConfig,
  { log, ...computed }: Computed & { readonly log: LlamaLog },
): Promise<StateFiles | undefined> {
  const { promptCacheDisk: disk } = config.engine;
  const folder = disk?.directory;
  if (disk === undefined) return undefined;
  if (folder === undefined) {
    log("warn", "engine.promptCacheDisk names no directory, so no prompts are kept on the disk");
    return undefined;
  }
  return StateFiles.open({
    folder,
    maxBytes: disk.maxMiB * 2 ** 20,
    fingerprint: await stateFingerprint(config, computed),
    warn: (message) => log("warn", message),
  });
}

/** Of all that changes what a state has in it, but for adapters that are chosen: those are a matter of its owner. */
async function stateFingerprint(
  { engine, adapters, weightsPath }: ServerConfig,
  computed: Computed,
): Promise<string> {
  const { flashAttention, kvUnified, fullSwaCache, rope, imageMaxTokens } = engine;
  const types = cacheTypesOf(engine);
  const applied = adapters.filter(({ id }) => id === undefined);
  const adapted = await Promise.all(
    applied.map(({ path, scale }) => fingerprintOf(path, { scale })),
  );
  const caches = { flashAttention, types, kvUnified, fullSwaCache, rope, imageMaxTokens };
  const settings = { format: FORMAT, ...computed, ...caches, adapted };
  return fingerprintOf(weightsPath, settings);
}
