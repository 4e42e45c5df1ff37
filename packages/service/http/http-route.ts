/** The pattern of a path, as telemetry names it: there are few of them, whatever paths clients ask for. */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";

/** Undefined for what is no route. */
export type RouteOf = (path: string) => string | undefined;

export function routesOf(endpoints: readonly Pick<Endpoint, "path">[]): RouteOf {
  const known = new Set(["/v1/models", "/admin/log", ...endpoints.map(({ path }) => path)]);
  return (path) => {
    if (known.has(path)) return path;
    return path.startsWith("/v1/models/") ? "/v1/models/{id}" : undefined;
  };
}
