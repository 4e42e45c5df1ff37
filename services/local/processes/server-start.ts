/** What a model server is started with: pure, from its document and the files that were fetched. */
import {
  SERVER_CONFIG_VARIABLE,
  type ServerConfigInput,
} from "@localmodel/localmodel/contracts/server-config.ts";
import { serverKeyFor, serverKeyHash } from "@localmodel/localmodel/contracts/server-key.ts";
import type { DesiredModel } from "../desired/desired.ts";
import type { MemoryPlan } from "../desired/memory-plan.ts";
import type { ModelFiles } from "./model-files.ts";

/** Time for open requests to finish when a service is told to stop. */
export const DRAIN_TIMEOUT_MS = 30_000;

type StartOptions = {
  /** Whether no other model shares the machine's cores. */
  readonly isAlone: boolean;
  /** See server-key.ts. */
  readonly serverSecret: string;
  /** What was decided for the model, beside what its document says. */
  readonly planned?: MemoryPlan["engine"] | undefined;
};

export function serverEnvironment(
  model: DesiredModel,
  files: ModelFiles,
  { isAlone, serverSecret, planned }: StartOptions,
): Record<string, string> {
  const config = JSON.stringify({
    ...serverConfig(model, files),
    engine: { ...model.spec.engine, ...planned },
    // Threads of llama.cpp wait for each other in a loop: more of them than cores stand still most of the time.
    sparedThreads: isAlone ? 0 : 1,
    keySha256: [serverKeyHash(serverKeyFor(serverSecret, model.key))],
  } satisfies ServerConfigInput);
  return { ...variables(model), [SERVER_CONFIG_VARIABLE]: config };
}

function serverConfig(
  { name, ids, createdSeconds, spec }: DesiredModel,
  files: ModelFiles,
): Omit<ServerConfigInput, "engine"> {
  // Of a model that has only its adapters' ids left, the name leads nowhere.
  const [modelId = spec.modelId ?? name, ...aliases] = ids;
  return {
    modelId,
    aliases,
    createdSeconds,
    weightsPath: files.weightsPath,
    ...(files.projectorPath !== undefined && { projectorPath: files.projectorPath }),
    ...(files.draftPath !== undefined && { draftPath: files.draftPath }),
    adapters: [...files.adapters],
    pinnedFiles: [...files.pinnedFiles],
    imageHosts: spec.imageUrls?.allowedHosts ?? [],
    contextFromMemory: true,
    sampling: spec.sampling,
    // Only the API service can ask, and it decides who reads along.
    promptLogging: true,
    host: "127.0.0.1",
    port: 0,
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
  };
}

/** Values only: Secrets and ConfigMaps are a cluster's, see `unusedFields`. */
function variables({ spec }: DesiredModel): Record<string, string> {
  return Object.fromEntries(
    (spec.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Fields of a document that have no effect on this machine, and that their author should know of. */
export function unusedFields({ spec }: DesiredModel): readonly string[] {
  const isUnused = (spec.env ?? []).some((one) => one.valueFrom !== undefined);
  return isUnused ? ["spec.env[].valueFrom"] : [];
}
