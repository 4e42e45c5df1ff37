/** Failures to load that a person can do something about, apart from those nobody foresaw. */
import type { AcceleratorProblem } from "@localmodel/localmodel/contracts/server-state.ts";

export class DoesNotFitError extends Error {
  override readonly name = "DoesNotFitError";
}

export class NotAGgufError extends Error {
  override readonly name = "NotAGgufError";
}

/** The devices that a server was given cannot do what they were given for. */
export class AcceleratorError extends Error {
  override readonly name = "AcceleratorError";
  readonly reason: AcceleratorProblem["reason"];
  /** Others have what it lacks, and may give it back. */
  readonly mayPass: boolean;

  constructor({ reason, message }: AcceleratorProblem, { mayPass = false } = {}) {
    super(message);
    this.reason = reason;
    this.mayPass = mayPass;
  }
}
