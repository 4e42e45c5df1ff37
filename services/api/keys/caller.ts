/** Whose key a request came with: set by `authenticate`, read by everybody after it. */
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import type { Response } from "express";

export function setCaller(res: Response, key: ApiKey): void {
  res.locals["key"] = key;
  res.locals["tenant"] = key.name;
}

/** Undefined where no keys are configured. */
export function callerOf(res: Response): ApiKey | undefined {
  return res.locals["key"] as ApiKey | undefined;
}

/** Whose request it is, for fairness and for prompt caches; empty where all are one. */
export function tenantOf(res: Response): string {
  return callerOf(res)?.name ?? "";
}
