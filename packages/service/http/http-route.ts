/** The pattern of a path, as telemetry names it: there are few of them, whatever paths clients ask for. */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";

const KEPT = /^\/v1\/responses\/[^/]+(\/(?:input_items|cancel))?$/;
const LISTS = [
  "/v1/models",
  "/api/version",
  "/api/tags",
  "/api/ps",
  "/api/show",
  "/api/v0/models",
] as const;

/** Undefined for what is no route. */
export type RouteOf = (path: string) => string | undefined;

export function routesOf(endpoints: readonly Pick<Endpoint, "path">[]): RouteOf {
  const known = new Set([...LISTS, "/admin/log", ...endpoints.map(({ path }) => path)]);
  return (path) => {
    if (known.has(path)) return path;
    if (path.startsWith("/v1/models/")) return "/v1/models/{id}";
    return KEPT.exec(path) === null ? undefined : path.replace(KEPT, "/v1/responses/{id}$1");
  };
}
