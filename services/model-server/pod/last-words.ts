/**
 * Leaves a message where Kubernetes looks for it when a container ends.
 *
 * The file is Kubernetes' own; outside a pod there is none, and nothing is written.
 */
import { writeFileSync } from "node:fs";
import { TERMINATION_LOG_PATH } from "@localmodel/localmodel/cluster/pod-layout.ts";
import {
  type Termination,
  terminationMessage,
} from "@localmodel/localmodel/contracts/termination.ts";

/** Another place for the message; there it is made if it is not there. */
const TERMINATION_LOG_VARIABLE = "LOCALMODEL_TERMINATION_LOG";

export function sayWhy(termination: Termination, environment: NodeJS.ProcessEnv): void {
  leaveMessage(terminationMessage(termination), environment);
}

/** Written at once: the process is about to end. */
export function leaveMessage(message: string, environment: NodeJS.ProcessEnv): void {
  const elsewhere = environment[TERMINATION_LOG_VARIABLE];
  try {
    writeFileSync(elsewhere || TERMINATION_LOG_PATH, message, { flag: elsewhere ? "w" : "r+" });
  } catch {
    // Not in a pod; what happened is in the log, too.
  }
}
