/**
 * Who reads along: the readers of /admin/log, and what they are told.
 *
 * Nothing is kept: an event goes to those who are attached now, and while nobody is, there are no events.
 * A reader never holds up a request: what it does not read in time is dropped, and it is told how much.
 */
import { rateLimited } from "@localmodel/inference/unavailability.ts";
import { frame, KEEP_ALIVE } from "@localmodel/openai/sse.ts";
import { SpectatorStream } from "@localmodel/service/http/event-stream.ts";
import type { Response } from "express";

const READERS_MAX = 16;
/** Beyond what a reader has left unread; one event more may be as long as a prompt and its answer. */
const UNREAD_MAX_BYTES = 1024 * 1024;

export class PromptLog {
  readonly #readers = new Set<Reader>();
  readonly #keepAliveMs: number;

  constructor(keepAliveMs: number) {
    this.#keepAliveMs = keepAliveMs;
  }

  get isAttached(): boolean {
    return this.#readers.size > 0;
  }

  write(event: object): void {
    if (!this.isAttached) return;
    const text = frame(event);
    for (const reader of this.#readers) reader.write(text);
  }

  /** From now on the response is a stream of events, until its client leaves. */
  attach(res: Response): void {
    if (this.#readers.size >= READERS_MAX) {
      throw rateLimited(`Already ${READERS_MAX} readers are attached to this log.`, 10);
    }
    const reader = new Reader(res, this.#keepAliveMs);
    this.#readers.add(reader);
    res.once("close", () => {
      this.#readers.delete(reader);
      reader[Symbol.dispose]();
    });
  }

  /** Readers must not hold up the end of the process. */
  end(): void {
    for (const reader of this.#readers) reader.end();
  }
}

class Reader implements Disposable {
  readonly #res: Response;
  readonly #stream: SpectatorStream;
  #dropped = 0;

  constructor(res: Response, keepAliveMs: number) {
    this.#res = res;
    res.on("drain", () => this.#tellDropped());
    this.#stream = new SpectatorStream(res, { comment: KEEP_ALIVE, intervalMs: keepAliveMs });
  }

  write(text: string): void {
    if (this.#res.writableLength > UNREAD_MAX_BYTES) this.#dropped += 1;
    else {
      this.#tellDropped();
      this.#res.write(text);
    }
  }

  end(): void {
    this.#res.end();
  }

  [Symbol.dispose](): void {
    this.#stream[Symbol.dispose]();
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#res.write(frame({ type: "dropped", events: this.#dropped }));
    this.#dropped = 0;
  }
}
