/**
 * A collector for tests: an HTTP server that takes OTLP, spans in bytes or as JSON and metrics as JSON, and keeps what
 * it is sent.
 *
 * Spans are kept as the wire has them, with their service, and with attributes and times in a form that can be
 * compared.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import {
  readTraceRequest,
  valuesOf,
  type WireAttributes,
  type WireResourceSpans,
  type WireSpan,
} from "./otlp-protobuf.ts";

export type ReceivedSpan = {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client";
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly at: bigint }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
};

const TIMEOUT_MS = 60_000;
const JSON_TYPE = "application/json";

export class OtlpReceiver implements AsyncDisposable {
  // A connection that is closed while the exporter uses it again would cost a batch.
  readonly #server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
    void this.#take(req).finally(() => {
      const contentType = req.headers["content-type"] ?? "";
      // An empty message has no bytes.
      res.setHeader("content-type", contentType).end(contentType === JSON_TYPE ? "{}" : "");
    });
  });
  readonly spans: ReceivedSpan[] = [];
  /** The latest that was sent of each metric, by its name. */
  readonly metrics = new Map<string, WireMetric>();
  #received = Promise.withResolvers<void>();

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For a process that is to send everything here, and soon. */
  get environment(): Readonly<Record<string, string>> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "20",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      OTEL_METRIC_EXPORT_TIMEOUT: "150",
    };
  }

  /** Waits for what `find` looks for in all that has come so far. */
  async until<Found>(what: string, find: () => Found | undefined): Promise<Found> {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    const expired = new Promise<void>((resolve) => {
      deadline.addEventListener("abort", () => resolve(), { once: true });
    });
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (deadline.aborted) {
        const names = this.spans.map(({ service, name }) => `${service}: ${name}`);
        throw new Error(`Waited in vain for ${what}. Received:\n${names.join("\n")}`);
      }
      await Promise.race([this.#received.promise, expired]);
    }
  }

  /** A whole trace: when its first span has ended, all others have, too. */
  async trace(isFirst: (span: ReceivedSpan) => boolean, spans: number): Promise<SpanTree> {
    const first = await this.until("a trace's first span", () => this.spans.find(isFirst));
    const all = await this.until(`${spans} spans of trace ${first.traceId}`, () => {
      const own = this.spans.filter(({ traceId }) => traceId === first.traceId);
      return own.length >= spans ? own : undefined;
    });
    return treeOf(first, all);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(req: IncomingMessage): Promise<void> {
    const isJson = req.headers["content-type"] === JSON_TYPE;
    const body: WireRequest = isJson
      ? (JSON.parse(await text(req)) as WireRequest)
      : { resourceSpans: readTraceRequest(await buffer(req)) };
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      const service = String(valuesOf(resource.attributes)["service.name"]);
      for (const { spans } of scopeSpans) {
        for (const span of spans) this.spans.push(received(service, span));
      }
    }
    for (const { scopeMetrics } of body.resourceMetrics ?? []) {
      for (const { metrics } of scopeMetrics) {
        for (const metric of metrics) this.metrics.set(metric.name, metric);
      }
    }
    this.#received.resolve();
    this.#received = Promise.withResolvers();
  }
}

export type SpanTree = { readonly span: ReceivedSpan; readonly children: readonly SpanTree[] };

function treeOf(span: ReceivedSpan, all: readonly ReceivedSpan[]): SpanTree {
  const children = all
    .filter(({ parentSpanId }) => parentSpanId === span.spanId)
    .toSorted((a, b) => (a.start === b.start ? 0 : a.start < b.start ? -1 : 1));
  return { span, children: children.map((child) => treeOf(child, all)) };
}

/** One line a span, indented by its depth. */
export function outlineOf({ span, children }: SpanTree, depth = 0): string[] {
  const line = `${"  ".repeat(depth)}${span.name} [${span.kind}]`;
  return [line, ...children.flatMap((child) => outlineOf(child, depth + 1))];
}

/** Every span of the tree, parents first. */
export function spansOf({ span, children }: SpanTree): ReceivedSpan[] {
  return [span, ...children.flatMap(spansOf)];
}

export type WireMetric = {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: { readonly dataPoints: readonly WirePoint[] };
  readonly gauge?: { readonly dataPoints: readonly WirePoint[] };
  readonly histogram?: { readonly dataPoints: readonly WirePoint[] };
};

export type WirePoint = {
  readonly attributes: WireAttributes;
  readonly asDouble?: number;
  readonly count?: number | string;
  readonly explicitBounds?: readonly number[];
};

type WireRequest = {
  readonly resourceSpans?: readonly WireResourceSpans[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly WireMetric[] }[];
  }[];
};

const KINDS = ["internal", "internal", "server", "client"] as const;
const ERROR = 2;

function received(service: string, span: WireSpan): ReceivedSpan {
  const { traceId, spanId, name } = span;
  return {
    service,
    traceId,
    spanId,
    name,
    parentSpanId: span.parentSpanId ?? "",
    kind: KINDS[span.kind] ?? "internal",
    start: BigInt(span.startTimeUnixNano),
    end: BigInt(span.endTimeUnixNano),
    attributes: valuesOf(span.attributes),
    events: span.events.map((event) => ({ name: event.name, at: BigInt(event.timeUnixNano) })),
    links: span.links,
    isError: span.status.code === ERROR,
  };
}
