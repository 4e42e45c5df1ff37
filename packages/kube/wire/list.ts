/**
 * Lists everything in a scope, page by page where the server pages.
 *
 * A continue token lives for minutes. When one expires under a slow reader, the rest of that list can
 * never be had, so the list starts again, whole: another round of pages might expire as well.
 */
import { isExpired } from "./api-errors.ts";
import type { ApiRequest } from "./api-request.ts";
import type { KubeObject } from "../objects/objects.ts";
import { collectionPath } from "../objects/resource.ts";
import { type Scope, withKind } from "../objects/scope.ts";
import type { Transport } from "./transport.ts";

export type Listed<T> = { readonly items: readonly T[]; readonly resourceVersion: string };

export type ListOptions = {
  /**
   * Empty: the newest there is. "0": whatever the server has at hand. Else: that old or newer.
   * Only with the first does a page size make sense; the others come from the server's memory, whole.
   */
  readonly resourceVersion?: string;
  /** Items without spec and status. */
  readonly metadataOnly?: boolean;
  readonly signal?: AbortSignal;
  readonly retry?: boolean;
};

type Page<T> = {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[] | null;
};

const METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const PAGE_ITEMS = 500;
const PAGE_TIMEOUT_MS = 60_000;

export async function listAll<T extends KubeObject>(
  transport: Transport,
  scope: Scope<T>,
  options: ListOptions = {},
): Promise<Listed<T>> {
  const paged = (options.resourceVersion ?? "") === "";
  try {
    return await listOnce(transport, scope, options, paged);
  } catch (error) {
    if (!(error instanceof LostPlaceError)) throw error;
    return listOnce(transport, scope, options, false);
  }
}

/** A continue token expired. */
class LostPlaceError extends Error {}

async function listOnce<T extends KubeObject>(
  transport: Transport,
  scope: Scope<T>,
  options: ListOptions,
  paged: boolean,
): Promise<Listed<T>> {
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const request = pageRequest(scope, options, { paged, token });
    const page: Page<T> = await transport.json<Page<T>>(request).catch((error: unknown) => {
      throw token !== undefined && isExpired(error) ? new LostPlaceError() : error;
    });
    for (const item of page.items ?? []) items.push(withKind(item, scope.resource));
    token = page.metadata.continue || undefined;
    if (token === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
  }
}

function pageRequest(
  { resource, namespace, labelSelector, fieldSelector }: Scope,
  { resourceVersion = "", metadataOnly = false, signal, retry = true }: ListOptions,
  { paged, token }: { readonly paged: boolean; readonly token: string | undefined },
): ApiRequest {
  const place = token === undefined ? { resourceVersion } : { continue: token };
  return {
    method: "GET",
    path: collectionPath(resource, namespace),
    query: { labelSelector, fieldSelector, ...place, ...(paged && { limit: PAGE_ITEMS }) },
    ...(metadataOnly && { accept: METADATA_ONLY }),
    timeoutMs: PAGE_TIMEOUT_MS,
    signal,
    // What has been listed so far is worth some patience.
    retry: retry || token !== undefined,
  };
}
