/** The thread that exports spans, in the batches that span-outbox.ts hands it, one after another. */
import { parentPort, workerData } from "node:worker_threads";
import { listenToSdk } from "./complaints.ts";
import { type Identity, resourceOf } from "./detectors.ts";
import type { SpanBatch } from "../otlp/span-encoder.ts";
import type { FromExporter, ToExporter } from "./span-outbox.ts";
import { otlpSink } from "./otlp-sink.ts";
import { SCOPE } from "./scope.ts";

function say(message: FromExporter, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

listenToSdk((complaint) => say({ complaint }));
const resource = resourceOf(workerData as Identity, process.env);
const sink = otlpSink(process.env, { resource, scope: SCOPE });

let done: Promise<void> = resource.waitForAsyncAttributes?.() ?? Promise.resolve();

async function send(batch: SpanBatch): Promise<void> {
  await sink.send(batch);
  const memory = batch.bytes.buffer;
  say({ doneSpans: batch.spans, memory }, [memory]);
}

async function stop(): Promise<void> {
  // What cannot be sent is lost: the exporter has said so.
  await sink.shutdown().catch(() => undefined);
  parentPort?.close();
}

parentPort?.on("message", (message: ToExporter) => {
  done = done.then(() => (message === "stop" ? stop() : send(message)));
});
