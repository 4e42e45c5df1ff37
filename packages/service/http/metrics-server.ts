/**
 * `/metrics` on a port of its own, which only those who scrape need to reach.
 *
 * It goes on while requests are drained, and never keeps a process alive.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";
import { ListenError } from "./listen-error.ts";

export const METRICS_PORT_VARIABLE = "LOCALMODEL_METRICS_PORT";

/** Undefined when metrics are not to be served. */
export function metricsPortIn(
  environment: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const text = environment[METRICS_PORT_VARIABLE] ?? "";
  if (text === "") return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`${METRICS_PORT_VARIABLE} must be a port from 0 to 65535, but is ${text}`);
}

type MetricsAddress = { readonly host: string; readonly port: number };

/** Throws a ListenError. Port 0 takes a free one; returns which. */
export function serveMetrics(registry: MetricRegistry, address: MetricsAddress): Promise<number> {
  const server = createServer((req, res) => answer(registry, req, res));
  server.unref();
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new ListenError(error, address)));
    server.listen(address, () => resolve((server.address() as AddressInfo).port));
  });
}

function answer(registry: MetricRegistry, req: IncomingMessage, res: ServerResponse): void {
  req.resume();
  const isRead = req.method === "GET" || req.method === "HEAD";
  if (!isRead || req.url?.split("?")[0] !== "/metrics") {
    res.writeHead(404, { "content-type": "text/plain" }).end("there is GET /metrics\n");
    return;
  }
  const { contentType, text } = exposition(registry, req.headers.accept);
  res.writeHead(200, { "content-type": contentType, "cache-control": "no-store" }).end(text);
}
