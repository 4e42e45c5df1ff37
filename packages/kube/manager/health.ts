/**
 * What a kubelet and Prometheus ask: /healthz, /readyz, /metrics.
 *
 * Alive means the process can answer. It does not mean that the API server can: restarting us would not
 * bring it back. Ready means every check passes; a standby that waits to lead is ready.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { exposition } from "@localmodel/telemetry/metrics/exposition.ts";
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";

/** Undefined when all is well, else what is not. */
export type Check = () => string | undefined;

type HealthOptions = {
  readonly live: Readonly<Record<string, Check>>;
  readonly ready: Readonly<Record<string, Check>>;
  readonly metrics: MetricRegistry;
};

export function healthListener({ live, ready, metrics }: HealthOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(response, 405, "only GET and HEAD are answered here");
    }
    const { pathname } = new URL(request.url ?? "/", "http://health");
    switch (pathname) {
      case "/healthz":
      case "/livez":
        return answerChecks(response, live);
      case "/readyz":
        return answerChecks(response, ready);
      case "/metrics": {
        const { text, contentType } = exposition(metrics, request.headers.accept);
        return answer(response, 200, text, contentType);
      }
      default:
        return answer(response, 404, "there are /healthz, /readyz and /metrics");
    }
  };
}

function answerChecks(response: ServerResponse, checks: Readonly<Record<string, Check>>): void {
  const results = Object.entries(checks).map(([name, check]) => ({ name, problem: check() }));
  const isWell = results.every(({ problem }) => problem === undefined);
  const lines = results.map(({ name, problem }) =>
    problem === undefined ? `[+] ${name}: ok` : `[-] ${name}: ${problem}`,
  );
  answer(response, isWell ? 200 : 503, [...lines, isWell ? "ok" : "not ok"].join("\n"));
}

function answer(
  response: ServerResponse,
  code: number,
  body: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(code, { "content-type": type, "cache-control": "no-store" });
  response.end(`${body.trimEnd()}\n`);
}
