/**
 * What a request to the API server consists of.
 */
import type { WriteGuard } from "./write-guard.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type ApiRequest = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Default: plain JSON. */
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
  /** Over all attempts. Default 30 s. */
  readonly timeoutMs?: number;
  /** Doing it twice is the same as doing it once. Default: true for GET only. */
  readonly repeatable?: boolean;
  /** False for callers with a retry loop of their own. */
  readonly retry?: boolean;
  readonly guard?: WriteGuard | undefined;
};

export function urlOf(server: string, { path, query = {} }: ApiRequest): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  return parameters.size === 0 ? server + path : `${server}${path}?${parameters.toString()}`;
}
