/**
 * `/metrics`, and whatever else is for those who run the platform, on a port of its own that nobody else needs to reach.
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

type Address = { readonly host: string; readonly port: number };

/** By the path of a request; each answers to every method. */
export type Handlers = Readonly<
  Record<string, (req: IncomingMessage, res: ServerResponse) => void>
>;

/** Throws a ListenError. Port 0 takes a free one; returns which. */
export function serveMetrics(registry: MetricRegistry, address: Address): Promise<number> {
  return serveAside(metricsHandler(registry), address);
}

/** Throws a ListenError. Port 0 takes a free one; returns which. */
export function serveAside(handlers: Handlers, address: Address): Promise<number> {
  const known = new Map(Object.entries(handlers));
  const server = createServer((req, res) => {
    req.resume();
    const handler = known.get(req.url?.split("?")[0] ?? "");
    if (handler === undefined) notThere(res, [...known.keys()]);
    else handler(req, res);
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new ListenError(error, address)));
    server.listen(address, () => resolve((server.address() as AddressInfo).port));
  });
}

export function metricsHandler(registry: MetricRegistry): Handlers {
  return {
    "/metrics": (req, res) => {
      if (req.method !== "GET" && req.method !== "HEAD") return notThere(res, ["/metrics"]);
      const { contentType, text } = exposition(registry, req.headers.accept);
      res.writeHead(200, { "content-type": contentType, "cache-control": "no-store" }).end(text);
    },
  };
}

function notThere(res: ServerResponse, paths: readonly string[]): void {
  const text = `there is GET ${paths.join(", GET ")}\n`;
  res.writeHead(404, { "content-type": "text/plain" }).end(text);
}
