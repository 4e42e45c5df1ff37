/** The pattern of a path, as telemetry names it: there are few of them, whatever paths clients ask for. */

const ROUTES: ReadonlySet<string> = new Set([
  "/v1/models",
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/admin/log",
]);

/** Undefined for what is no route. */
export function routeOf(path: string): string | undefined {
  if (ROUTES.has(path)) return path;
  return path.startsWith("/v1/models/") ? "/v1/models/{id}" : undefined;
}
