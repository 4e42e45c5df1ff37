/**
 * The directory as the supervisor of one machine sends it: whole, at every change.
 */
import type { Directory, DirectoryMessage } from "@localmodel/localmodel/contracts/directory.ts";
import { modelLoading } from "@localmodel/inference/unavailability.ts";
import { onParentMessage } from "@localmodel/service/process/parent.ts";
import type { ModelDirectory } from "./model-directory.ts";

export function parentDirectory(): ModelDirectory {
  let latest: Directory | undefined;
  onParentMessage((message) => {
    if (isDirectoryMessage(message)) latest = message.directory;
  });
  return {
    current: () => {
      if (latest === undefined) throw modelLoading("The list of models is not known yet.", 1);
      return latest;
    },
    get known() {
      return latest !== undefined;
    },
  };
}

function isDirectoryMessage(message: unknown): message is DirectoryMessage {
  return (
    typeof message === "object" &&
    message !== null &&
    "type" in message &&
    message.type === "directory"
  );
}
