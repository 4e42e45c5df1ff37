/** What looking up events has in common: those of one object, when one was, and an operator that may not read them. */
import { CORE_EVENTS, type CoreEvent } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { ApiStatusError } from "@localmodel/kube/wire/api-errors.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";

/** The latest last. None where they may not be read. */
export async function eventsOf(
  client: Client,
  { metadata }: KubeObject,
): Promise<readonly CoreEvent[]> {
  const { namespace = "", uid = "" } = metadata;
  const events = await unlessForbidden(async () => {
    const fieldSelector = `involvedObject.uid=${uid}`;
    return (await client.list({ resource: CORE_EVENTS, namespace, fieldSelector })).items;
  });
  return (events ?? []).toSorted((a, b) => timeMs(a) - timeMs(b));
}

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
