/** The thread that exports spans, in the batches that span-outbox.ts hands it, one after another. */
import { parentPort, workerData } from "node:worker_threads";
import { listenToSdk } from "./complaints.ts";
import { type Identity, resourceOf } from "./detectors.ts";
import type { SpanBatch } from "../otlp/span-encoder.ts";
import type { FromExporter, ToExporter } from "./span-outbox.ts";
import { spanSinks } from "./span-sinks.ts";

function say(message: FromExporter, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

listenToSdk((complaint) => say({ complaint }));
const resource = resourceOf(workerData as Identity, process.env);
const sinks = spanSinks(process.env, { resource, scope: { name: "localmodel" } });

let done: Promise<void> = resource.waitForAsyncAttributes?.() ?? Promise.resolve();

async function send(batch: SpanBatch): Promise<void> {
  await Promise.all(sinks.map((sink) => sink.send(batch)));
  const memory = batch.bytes.buffer;
  say({ doneSpans: batch.spans, memory }, [memory]);
}

async function stop(): Promise<void> {
  // What cannot be sent is lost: the exporters have said so.
  await Promise.allSettled(sinks.map((sink) => sink.shutdown()));
  parentPort?.close();
}

parentPort?.on("message", (message: ToExporter) => {
  done = done.then(() => (message === "stop" ? stop() : send(message)));
});
