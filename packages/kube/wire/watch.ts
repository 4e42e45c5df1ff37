/**
 * One watch, from one version until it ends.
 *
 * A dead connection looks exactly like a quiet cluster. A busy server sends a bookmark about once a
 * minute, so silence for much longer than that ends the watch, as does a server that ignores
 * `timeoutSeconds`. Neither is an error: where nothing at all happens there are no bookmarks, and asking
 * once more costs little.
 */
import { ApiConnectionError, ApiStatusError, type Status } from "./api-errors.ts";
import { Deadline } from "../time/deadline.ts";
import { linesOf } from "./json-lines.ts";
import type { KubeObject } from "../objects/objects.ts";
import { collectionPath } from "../objects/resource.ts";
import { type Scope, withKind } from "../objects/scope.ts";
import type { Transport } from "./transport.ts";

type WatchEvent<T extends KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  /** Everything up to this version has been seen. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

type WatchOptions = {
  readonly resourceVersion: string;
  /** After this the server ends the watch. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
};

const SILENCE_MS = 150_000;
const OPEN_TIMEOUT_MS = 30_000;
/** What a server may take longer than it was asked to. */
const OVERTIME_MS = 30_000;

export async function* watch<T extends KubeObject>(
  transport: Transport,
  scope: Scope<T>,
  { resourceVersion, timeoutSeconds, signal }: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const { resource, namespace, labelSelector, fieldSelector } = scope;
  const path = collectionPath(resource, namespace);
  const query = { labelSelector, fieldSelector, resourceVersion, timeoutSeconds };
  const body = await transport.stream({
    method: "GET",
    path,
    query: { ...query, watch: true, allowWatchBookmarks: true },
    timeoutMs: OPEN_TIMEOUT_MS,
    retry: false,
    signal,
  });
  const { clock } = transport;
  using overtime = new Deadline(clock, timeoutSeconds * 1000 + OVERTIME_MS, ended, [signal]);
  using silence = new Deadline(clock, SILENCE_MS, ended, [overtime.signal]);
  const end = (): void => void body.destroy(silence.signal.reason as Error);
  silence.signal.addEventListener("abort", end);
  if (silence.signal.aborted) end();
  body.on("error", () => {}); // Giving it up early is reported as an error; it is what we want.
  try {
    for await (const line of linesOf(untilSilent(body, silence))) {
      signal.throwIfAborted();
      if (line !== "") yield eventIn(line, scope, path);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (silence.signal.aborted) return;
    throw error instanceof ApiStatusError ? error : new ApiConnectionError(`watch ${path}`, error);
  } finally {
    body.destroy();
  }
}

function ended(): Error {
  return new Error("the watch is over");
}

/** Every byte is a sign of life, whole line or not. */
async function* untilSilent(
  body: AsyncIterable<Buffer>,
  silence: Deadline,
): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    silence.restart(SILENCE_MS);
    yield chunk;
  }
}

type RawEvent = { readonly type: string; readonly object: unknown };

function eventIn<T extends KubeObject>(line: string, scope: Scope<T>, path: string): WatchEvent<T> {
  const { type, object } = JSON.parse(line) as RawEvent;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object: withKind(object as T, scope.resource) };
    case "BOOKMARK":
      return { type, resourceVersion: (object as T).metadata.resourceVersion ?? "" };
    case "ERROR":
      throw new ApiStatusError(`watch ${path}`, object as Status);
    default:
      throw new Error(`an event of the unknown type "${type}"`);
  }
}
