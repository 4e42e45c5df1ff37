/** The bytes of spans at a collector, by each protocol that sends bytes: what the SDK's own exporters would send. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { suite, test } from "node:test";
import { createGunzip } from "node:zlib";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { EndedSpan } from "@localmodel/telemetry/spans/ended-span.ts";
import { idOf } from "@localmodel/telemetry/spans/ids.ts";
import { batchLimits } from "@localmodel/telemetry/settings/span-limits.ts";
import { SpanOutbox } from "@localmodel/telemetry/export/span-outbox.ts";
import { readTraceRequest, valuesOf } from "../support/otlp-protobuf.ts";

const METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const NOTHING = Buffer.alloc(0);

type Collector = AsyncDisposable & { readonly url: string; readonly request: Promise<Buffer> };

const SPAN: EndedSpan = {
  name: "POST",
  kind: 1,
  trace: { id: idOf("0af7651916cd43dd8448eb211c80319c"), state: "" },
  id: idOf("b7ad6b7169203331"),
  parentId: undefined,
  isParentRemote: false,
  startMs: 1_700_000_000_000,
  endMs: 1_700_000_000_001,
  attributes: ["gen_ai.request.model", "smollm2"],
  events: [],
  links: [],
  hasFailed: false,
};

suite("spans arrive as they were noted", () => {
  for (const [protocol, compression, start] of [
    ["http/protobuf", "none", httpCollector],
    ["http/protobuf", "gzip", httpCollector],
    ["grpc", "none", grpcCollector],
    ["grpc", "gzip", grpcCollector],
  ] as const) {
    test(`by ${protocol}, compression ${compression}`, async () => {
      await using collector = await start();
      Object.assign(process.env, {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: compression,
      });
      const complaints: string[] = [];
      const identity = { serviceName: "tested", instanceId: "1" };
      const outbox = new SpanOutbox(identity, batchLimits({}), (line) => complaints.push(line));
      outbox.keep(SPAN);
      await outbox.stop(10_000);
      assert.deepEqual(complaints, []);
      assert.deepEqual(contentOf(await collector.request), {
        isNamed: true,
        names: ["POST"],
        attributes: [{ "gen_ai.request.model": "smollm2" }],
      });
    });
  }
});

async function httpCollector(): Promise<Collector> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((req, res) => {
    assert.equal(req.url, "/v1/traces");
    assert.equal(req.headers["content-type"], "application/x-protobuf");
    const isZipped = req.headers["content-encoding"] === "gzip";
    resolve(buffer(isZipped ? req.pipe(createGunzip()) : req));
    req.once("end", () => res.end());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    request: promise,
    [Symbol.asyncDispose]: () => new Promise((closed) => server.close(() => closed())),
  };
}

const same = (bytes: Buffer): Buffer => bytes;

async function grpcCollector(): Promise<Collector> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = new Server();
  const method = { path: METHOD, requestStream: false, responseStream: false } as const;
  server.addService(
    {
      export: {
        ...method,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      export: (call: { request: Buffer }, answer: (error: null, response: Buffer) => void) => {
        resolve(call.request);
        answer(null, NOTHING);
      },
    },
  );
  const port = await new Promise<number>((bound, failed) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, chosen) =>
      error === null ? bound(chosen) : failed(error),
    );
  });
  return {
    url: `http://127.0.0.1:${port}`,
    request: promise,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

function contentOf(request: Buffer) {
  const [{ resource, scopeSpans } = { resource: { attributes: [] }, scopeSpans: [] }] =
    readTraceRequest(request);
  const spans = scopeSpans.flatMap((scope) => scope.spans);
  return {
    isNamed: valuesOf(resource.attributes)["service.name"] === "tested",
    names: spans.map(({ name }) => name),
    attributes: spans.map(({ attributes }) => valuesOf(attributes)),
  };
}
