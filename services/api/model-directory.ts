/** Where the models come from: a parent process, a file, or a cluster. */
import type { Directory } from "@localmodel/localmodel/contracts/directory.ts";

export type ModelDirectory = {
  /** The latest that is known; throws 503 before the first. */
  current(): Directory;
  /** Whether a directory has ever been heard of. */
  readonly known: boolean;
};
