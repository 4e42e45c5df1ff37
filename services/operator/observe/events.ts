/** What looking up events has in common: when one was, and an operator that may not read them. */
import type { CoreEvent } from "@localmodel/kube/objects/core-resources.ts";
import { ApiStatusError } from "@localmodel/kube/wire/api-errors.ts";

export function timeMs({ series, lastTimestamp, eventTime, metadata }: CoreEvent): number {
  const time = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
  const ms = Date.parse(time ?? "");
  return Number.isNaN(ms) ? 0 : ms;
}

/** Undefined for what may not be read. */
export async function unlessForbidden<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiStatusError && error.code === 403) return undefined;
    throw error;
  }
}
