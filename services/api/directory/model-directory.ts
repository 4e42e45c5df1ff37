/** Where the models come from: a parent process, a file, or a cluster. */
import type { Directory, DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";

export type ModelDirectory = {
  /** The latest that is known; throws 503 before the first. */
  current(): Directory;
  /** Whether there has ever been one. */
  readonly known: boolean;
  /** Told of each request for a model that nothing serves. Absent: nobody could do anything about it. */
  readonly onDemand?: (model: DirectoryModel) => void;
};
