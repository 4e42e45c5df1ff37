/** Where the models come from: a parent process, a file, or a cluster. */
import type { ModelDemand } from "@localmodel/localmodel/contracts/demand.ts";
import type {
  Demand,
  Directory,
  DirectoryModel,
} from "@localmodel/localmodel/contracts/directory.ts";

export type ModelDirectory = {
  /** The latest that is known; throws 503 before the first. */
  current(): Directory;
  /** Whether there has ever been one. */
  readonly known: boolean;
  /** For whoever wakes models and puts them to sleep. Absent: nobody does. */
  readonly sleep?: SleepSeam | undefined;
};

/** Who is asked for. */
export type DemandSource = {
  /** As one machine's supervisor is told. */
  current(): Demand;
  /** As a cluster's operator is told. */
  models(): readonly ModelDemand[];
  /** Whether requests for this id are at a server, or wait. Undefined for a model that does not scale. */
  isAskedFor(id: string): boolean | undefined;
  /** Whether somebody wants it who has no place at a server. */
  isWaitedFor(id: string): boolean;
};

export type SleepSeam = {
  /** Read whenever something may have changed; what it says is told to whoever runs the models. */
  watch(demand: DemandSource): void;
  /** Something has changed for the model of that id. `isAwaited`: somebody has asked for it, and it has no server. */
  changed(id: string, how?: { readonly isAwaited: boolean }): void;
  /** Asks for the memory of a model that is not in use, or as soon as it is not. */
  unload(model: DirectoryModel): void;
};
