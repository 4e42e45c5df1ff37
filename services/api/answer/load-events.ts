/**
 * The loading of a model as LM Studio tells it in a stream: that it begins, how far it is, and that it has ended. A load that
 * fails ends with the error that ends the stream.
 *
 * While there is nothing new, and while the wait is for a place, it is OpenAI's `keepalive`: Codex for one gives a stream up
 * that has had no event for five minutes, and comments are none.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { namedFrame } from "@localmodel/openai/sse.ts";

/** Before the answer's own events, whose numbers begin anew. */
const KEEPALIVE = namedFrame("keepalive", { type: "keepalive", sequence_number: 0 });

export class LoadEvents {
  #beganMs: number | undefined;
  #progress: number | undefined;

  /** What has changed since it was looked at last. */
  of({ id, endpoints, progress }: DirectoryModel): string {
    // It waits for a place, and loads nothing.
    if (endpoints.length > 0) return KEEPALIVE;
    const isFirst = this.#beganMs === undefined;
    this.#beganMs ??= performance.now();
    const isFurther = progress !== undefined && progress !== this.#progress;
    this.#progress = progress;
    if (!isFirst && !isFurther) return KEEPALIVE;
    return [
      ...(isFirst ? [event("model_load.start", id)] : []),
      ...(isFurther ? [event("model_load.progress", id, { progress })] : []),
    ].join("");
  }

  last({ id, endpoints }: DirectoryModel): string {
    if (this.#beganMs === undefined || endpoints.length === 0) return "";
    const seconds = (performance.now() - this.#beganMs) / 1000;
    return event("model_load.end", id, { load_time_seconds: Number(seconds.toFixed(3)) });
  }
}

function event(type: string, model: string, more: object = {}): string {
  return namedFrame(type, { type, model_instance_id: model, ...more });
}
