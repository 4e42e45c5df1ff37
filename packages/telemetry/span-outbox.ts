/**
 * Takes spans that have ended and hands them to the thread that exports them, some dozens at a time.
 *
 * What the SDK does with a span costs more than some requests do, so it is done where no request waits for it. Bounded:
 * spans that the other thread has not taken yet are counted, and while they are too many, further ones are dropped.
 */
import { Worker } from "node:worker_threads";
import type { SpanRecord } from "./span-record.ts";

export type ExporterOptions = {
  /** Unless the environment names it. */
  readonly serviceName: string | undefined;
  readonly instanceId: string;
};

export type ToExporter = { readonly spans: readonly SpanRecord[] } | "stop";
export type FromExporter = { readonly taken: number } | { readonly complaint: string };

const BATCH_SPANS = 64;
const BATCH_DELAY_MS = 100;
const UNTAKEN_MAX_SPANS = 16_384;

export class SpanOutbox {
  readonly #worker: Worker;
  readonly #complain: (message: string) => void;
  readonly #ended: Promise<void>;
  #batch: SpanRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #untaken = 0;
  #isOpen = true;

  constructor(options: ExporterOptions, complain: (message: string) => void) {
    this.#complain = complain;
    this.#worker = new Worker(new URL("span-exporter.ts", import.meta.url), {
      workerData: options,
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

  readonly keep = (record: SpanRecord): void => {
    if (!this.#isOpen) return;
    this.#batch.push(record);
    if (this.#batch.length >= BATCH_SPANS) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), BATCH_DELAY_MS).unref();
  };

  /** Resolves when all is sent, or cannot be within `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#send();
    this.#isOpen = false;
    this.#post("stop");
    const timer = setTimeout(() => void this.#worker.terminate(), timeoutMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const spans = this.#batch;
    if (spans.length === 0) return;
    this.#batch = [];
    if (this.#untaken + spans.length > UNTAKEN_MAX_SPANS) {
      this.#complain("telemetry: spans end faster than they can be exported, some are dropped");
      return;
    }
    this.#untaken += spans.length;
    this.#post({ spans });
  }

  #post(message: ToExporter): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromExporter): void {
    if ("taken" in message) this.#untaken -= message.taken;
    else this.#complain(message.complaint);
  }
}
