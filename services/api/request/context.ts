/**
 * What the API service knows of a request while it is on its way: one typed object beside each response, filled by the
 * middleware that finds things out and read by what comes after it.
 */
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import type { Response } from "express";
import type { Meter } from "./meter.ts";
import type { Reference } from "./reference.ts";

type RequestContext = {
  /** Whose key it came with. Absent where no keys are configured. */
  key?: ApiKey;
  /** What routing needs of the body, as the client wrote it. */
  reference?: Reference;
  /** The model it means, where its key decides that. */
  modelId?: string;
  /** Counts what is to be charged. Absent where nobody is. */
  meter?: Meter;
  /** For its line in the access log. */
  readonly notes: Notes;
};

type Notes = {
  /** Its name. */
  key?: string;
  model?: string;
  endpoint?: string;
  attempts?: number;
  /** In the queue, before the first attempt. */
  waitedMs?: number;
  /** The answer broke after it had begun. */
  outcome?: "broken";
};

export function contextOf(res: Response): RequestContext {
  return (res.locals["context"] ??= { notes: {} }) as RequestContext;
}

/** Whose request it is, for fairness and for prompt caches; empty where all are one. */
export function tenantOf(res: Response): string {
  return contextOf(res).key?.name ?? "";
}

/** Adds to the line of this request in the access log. */
export function note(res: Response, notes: Notes): void {
  Object.assign(contextOf(res).notes, notes);
}
