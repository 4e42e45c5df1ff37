/** The thread that reads and writes kept states: see state-files.ts. */
import { parentPort } from "node:worker_threads";
import {
  listStates,
  type ListedState,
  readState,
  writeState,
  type WrittenState,
} from "./state-folder.ts";

export type StateTask = { readonly id: number; readonly folder: string } & (
  | { readonly kind: "list"; readonly fingerprint: string }
  | { readonly kind: "read"; readonly name: string }
  | { readonly kind: "write"; readonly written: WrittenState }
);

export type StateDone = {
  readonly id: number;
  readonly listed?: readonly ListedState[];
  readonly state?: Uint8Array | undefined;
  readonly isWritten?: boolean;
  readonly error?: string;
};

function done(task: StateTask): StateDone {
  const { id, folder } = task;
  try {
    switch (task.kind) {
      case "list":
        return { id, listed: listStates(folder, task.fingerprint) };
      case "read":
        return { id, state: readState(folder, task.name) };
      case "write":
        return { id, isWritten: writeState(folder, task.written) };
    }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on("message", (task: StateTask) => {
  const answer = done(task);
  const moved = answer.state === undefined ? [] : [answer.state.buffer as ArrayBuffer];
  parentPort?.postMessage(answer, moved);
});
