/**
 * What is counted about requests, under the names Go's client uses.
 */
import type { MetricRegistry } from "@localmodel/telemetry/metrics/metrics.ts";

const DURATION_BOUNDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const SIZE_BOUNDS = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

export class ClientMetrics {
  readonly #host: string;
  readonly #requests;
  readonly #retries;
  readonly #durations;
  readonly #requestBytes;
  readonly #responseBytes;

  constructor(registry: MetricRegistry, host: string) {
    this.#host = host;
    this.#requests = registry.counter(
      "rest_client_requests_total",
      "Number of HTTP requests, partitioned by status code, method, and host.",
    );
    this.#retries = registry.counter(
      "rest_client_request_retries_total",
      "Number of requests sent again, partitioned by status code, method, and host.",
    );
    this.#durations = registry.histogram(
      "rest_client_request_duration_seconds",
      "Seconds a request took, partitioned by method and host.",
      DURATION_BOUNDS,
    );
    this.#requestBytes = registry.histogram(
      "rest_client_request_size_bytes",
      "Bytes of request bodies, partitioned by method and host.",
      SIZE_BOUNDS,
    );
    this.#responseBytes = registry.histogram(
      "rest_client_response_size_bytes",
      "Bytes of response bodies, partitioned by method and host.",
      SIZE_BOUNDS,
    );
  }

  /** `code`: the HTTP status, or `<error>` when there was no answer. */
  answered(method: string, code: number | "<error>", durationMs: number): void {
    this.#requests.add({ code: String(code), method, host: this.#host });
    this.#durations.observe({ verb: method, host: this.#host }, durationMs / 1000);
  }

  retried(method: string, code: number | "<error>"): void {
    this.#retries.add({ code: String(code), verb: method, host: this.#host });
  }

  sent(method: string, sizeBytes: number): void {
    this.#requestBytes.observe({ verb: method, host: this.#host }, sizeBytes);
  }

  received(method: string, sizeBytes: number): void {
    this.#responseBytes.observe({ verb: method, host: this.#host }, sizeBytes);
  }
}
