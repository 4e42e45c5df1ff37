/** The files in which the states of contexts outlive the process, where the LocalModel has a folder for them. */
import { cacheTypesOf } from "@localmodel/localmodel/contracts/cache-bytes.ts";
import type { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { Generating } from "../llama/generations.ts";
import type { LlamaLog } from "../llama/library.ts";
import { fingerprintOf } from "../model/facts.ts";
import { StateFiles } from "./state-files.ts";

/** Changes with what a state has in it. */
const FORMAT = 1;

export type Keeping = Generating & {
  /** Undefined where nothing is to be kept. */
  readonly files: StateFiles | undefined;
};

type Computed = {
  /** Release of llama.cpp, and what it runs on. */
  readonly engine: string;
  readonly contextTokens: number;
  readonly projectorBytes: number;
};

/** For each context the files of its own fingerprint, in a folder for all. */
export async function openStateFiles(
  config: ServerConfig,
  generations: readonly Generating[],
  { log, ...computed }: Computed & { readonly log: LlamaLog },
): Promise<readonly Keeping[]> {
  const { promptCacheDisk: disk } = config.engine;
  const folder = disk?.directory;
  if (disk === undefined) return generations.map((one) => ({ ...one, files: undefined }));
  if (folder === undefined) {
    log("warn", "engine.promptCacheDisk names no directory, so no prompts are kept on the disk");
    return generations.map((one) => ({ ...one, files: undefined }));
  }
  const keeping = generations.map(async (one) => ({
    ...one,
    files: await StateFiles.open({
      folder,
      maxBytes: disk.maxMiB * 2 ** 20,
      fingerprint: await stateFingerprint(config, computed, one.adapter),
      warn: (message) => log("warn", message),
    }),
  }));
  return Promise.all(keeping);
}

/** Of all that changes what a state has in it. */
async function stateFingerprint(
  { engine, adapters, weightsPath }: ServerConfig,
  computed: Computed,
  adapter: string | undefined,
): Promise<string> {
  const { flashAttention, kvUnified, fullSwaCache, rope } = engine;
  const types = cacheTypesOf(engine);
  const applied = adapters.filter(({ id }) => id === undefined || id === adapter);
  const adapted = await Promise.all(
    applied.map(({ path, scale }) => fingerprintOf(path, { scale })),
  );
  const caches = { flashAttention, types, kvUnified, fullSwaCache, rope };
  const settings = { format: FORMAT, ...computed, ...caches, adapted };
  return fingerprintOf(weightsPath, settings);
}
