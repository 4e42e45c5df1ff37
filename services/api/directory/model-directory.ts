/** Where the models come from: a parent process, a file, or a cluster. */
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
  readonly sleep?: SleepSeam;
};

export type SleepSeam = {
  /** Asked whenever something may have changed; what it answers is told to whoever runs the models. */
  watch(demand: () => Demand): void;
  /** Something has changed. */
  changed(): void;
  /** Asks for the memory of a model that is not in use, or as soon as it is not. */
  unload(model: DirectoryModel): void;
};
