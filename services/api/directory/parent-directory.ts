/**
 * The directory as the supervisor of one machine sends it: whole, at every change. It is told who is asked for.
 *
 * Messages are handled in their order, so an answer that names a directory says that no request is routed by an older
 * one any more.
 */
import type {
  ApiMessage,
  Directory,
  DirectoryMessage,
} from "@localmodel/localmodel/contracts/directory.ts";
import { modelLoading } from "@localmodel/inference/unavailability.ts";
import { notifyParent, onParentMessage } from "@localmodel/service/process/parent.ts";
import type { DemandSource, ModelDirectory, SleepSeam } from "./model-directory.ts";

export function parentDirectory(): ModelDirectory {
  let latest: DirectoryMessage | undefined;
  const report = new DemandReport(() => latest?.number);
  onParentMessage((message) => {
    if (!isDirectoryMessage(message)) return;
    latest = message;
    report.changed();
  });
  return {
    current: (): Directory => {
      if (latest === undefined) throw modelLoading("The list of models is not known yet.", 1);
      return latest.directory;
    },
    get known() {
      return latest !== undefined;
    },
    sleep: report,
  };
}

class DemandReport implements SleepSeam {
  readonly #directory: () => number | undefined;
  #demand: Pick<DemandSource, "current"> | undefined;
  #told = "";
  #isScheduled = false;

  constructor(directory: () => number | undefined) {
    this.#directory = directory;
  }

  watch(demand: DemandSource): void {
    this.#demand = demand;
  }

  /** Not at once: requests come and go in bursts. */
  changed(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#tell();
    });
  }

  unload({ server = "" }: { readonly server?: string }): void {
    // In this order, so that what has ended is known to have ended.
    this.#tell();
    notifyParent({ type: "unload", server } satisfies ApiMessage);
  }

  #tell(): void {
    const directory = this.#directory();
    if (directory === undefined) return;
    const message: ApiMessage = {
      type: "demand",
      directory,
      demand: this.#demand?.current() ?? {},
    };
    const text = JSON.stringify(message);
    if (text === this.#told) return;
    this.#told = text;
    notifyParent(message);
  }
}

function isDirectoryMessage(message: unknown): message is DirectoryMessage {
  return (
    typeof message === "object" &&
    message !== null &&
    "type" in message &&
    message.type === "directory"
  );
}
