/**
 * Takes spans that have ended, and hands them in batches to the thread that exports them: a batch is one piece of
 * memory that changes hands, and comes back for a later one.
 *
 * Bounded: spans that are not sent yet are counted, and while they are too many, further ones are dropped.
 */
import { Worker } from "node:worker_threads";
import { seldom } from "./complaints.ts";
import type { Identity } from "./detectors.ts";
import type { EndedSpan } from "../spans/ended-span.ts";
import { type SpanBatch, SpanEncoder } from "../otlp/span-encoder.ts";
import type { BatchLimits } from "../settings/span-limits.ts";

export type ToExporter = SpanBatch | "stop";
export type FromExporter =
  /** The memory of a batch comes back. */
  { readonly doneSpans: number; readonly memory: ArrayBuffer } | { readonly complaint: string };

export class SpanOutbox {
  readonly #worker: Worker;
  readonly #limits: BatchLimits;
  readonly #warn: (message: string) => void;
  readonly #complain: (message: string) => void;
  readonly #ended: Promise<void>;
  readonly #encoder = new SpanEncoder();
  #timer: NodeJS.Timeout | undefined;
  #unsentSpans = 0;
  #memory: ArrayBuffer | undefined;
  #isOpen = true;

  constructor(identity: Identity, limits: BatchLimits, complain: (message: string) => void) {
    this.#limits = limits;
    this.#complain = complain;
    this.#warn = seldom(complain);
    this.#worker = new Worker(new URL("span-exporter.ts", import.meta.url), {
      workerData: identity,
      name: "span-exporter",
    });
    this.#worker.unref();
    this.#worker.on("message", (message: FromExporter) => this.#hear(message));
    this.#worker.on("error", (error) => complain(`telemetry: spans cannot be exported: ${error}`));
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#isOpen = false;
        resolve();
      });
    });
  }

  readonly keep = (span: EndedSpan): void => {
    if (!this.#isOpen) return;
    const { waitingSpans, batchSpans, delayMs } = this.#limits;
    if (this.#unsentSpans + this.#encoder.spans >= waitingSpans) {
      this.#warn("telemetry: spans end faster than they can be sent, some are dropped");
      return;
    }
    this.#encoder.encode(span);
    if (this.#encoder.spans >= batchSpans) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), delayMs).unref();
  };

  /** Resolves when all is sent, or cannot be within `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#send();
    this.#isOpen = false;
    this.#worker.postMessage("stop" satisfies ToExporter);
    const timer = setTimeout(() => void this.#worker.terminate(), timeoutMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#encoder.spans === 0) return;
    const batch = this.#encoder.take(this.#memory);
    this.#memory = undefined;
    this.#unsentSpans += batch.spans;
    this.#worker.postMessage(batch satisfies ToExporter, [batch.bytes.buffer]);
  }

  #hear(message: FromExporter): void {
    if ("complaint" in message) {
      this.#complain(message.complaint);
      return;
    }
    this.#unsentSpans -= message.doneSpans;
    this.#memory = message.memory;
  }
}
