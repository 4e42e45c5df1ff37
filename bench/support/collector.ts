/** A collector that takes whatever it is sent and keeps nothing, so that it costs next to nothing. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Collector = AsyncDisposable & {
  /** For a process that traces everything. */
  readonly environment: Readonly<Record<string, string>>;
  /** What has come so far. */
  readonly bytes: () => number;
};

export async function startCollector(): Promise<Collector> {
  let bytes = 0;
  const server = createServer((req, res) => {
    req.on("data", (chunk: Buffer) => (bytes += chunk.length));
    req.on("end", () => res.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_METRICS_EXPORTER: "none",
      OTEL_TRACES_SAMPLER: "always_on",
    },
    bytes: () => bytes,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
